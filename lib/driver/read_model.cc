#include "driver/read_model.h"

#include "passes/read_horizon.h"

namespace qprep {

OnnxFile read_model(const std::filesystem::path& file, Diagnostics& diagnostics) {
  OnnxFile model = read_onnx(file, diagnostics);
  read_horizon(model.model, diagnostics);
  return model;
}

}  // namespace qprep
