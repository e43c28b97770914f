#include "driver/dump.h"

#include "ir/dump.h"
#include "onnx_io/infer_shapes.h"
#include "onnx_io/onnx_file.h"

namespace qprep {

std::string dump_model(const std::filesystem::path& model, bool infer, Diagnostics& diagnostics) {
  OnnxFile file = read_onnx(model, diagnostics);
  if (infer) infer_shapes(file, diagnostics);
  return dump(file.model);
}

}  // namespace qprep
