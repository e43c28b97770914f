#include "driver/read_model.h"

#include "onnx_io/infer_shapes.h"
#include "passes/read_horizon.h"

namespace qprep {

OnnxFile read_model(const std::filesystem::path& file, Diagnostics& diagnostics) {
  OnnxFile model = read_onnx(file, diagnostics);
  for (;;) {
    Diagnostics said;
    const HorizonPairs pairs = read_horizon(model.model, said);
    if (!pairs.read || !pairs.wait_for_ranks) {
      for (const Diagnostic& each : said.all()) diagnostics.add(each);
      return model;
    }
    // Shapes are inferred as far as the first node that only the vendor knows.
    infer_shapes(model, said);
  }
}

}  // namespace qprep
