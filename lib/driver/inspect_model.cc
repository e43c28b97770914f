#include "driver/inspect_model.h"

#include "config/config.h"
#include "driver/rewrite_model.h"
#include "driver/rules.h"
#include "onnx_io/infer_shapes.h"
#include "onnx_io/onnx_file.h"
#include "passes/pipeline.h"

namespace qprep {

InspectResult inspect_model(const std::filesystem::path& model, const std::filesystem::path& configs,
                            Diagnostics& diagnostics) {
  const Rules rules = Rules::read(configs);
  OnnxFile file = read_onnx(model, diagnostics);
  InspectResult result = inspect(file.model, Plan{});

  infer_shapes(file, diagnostics);
  Env env = rules.env(diagnostics, settings(Config{}));
  Plan plan;
  rewrite_model(file, plan, env);
  run_passes(file.model, plan, pipeline(PassKind::kDecide), env);
  const InspectResult decided = inspect(file.model, plan);
  result.bpu_nodes = decided.bpu_nodes;
  result.cpu_nodes = decided.cpu_nodes;
  result.segments = decided.segments;
  result.activations = decided.activations;
  result.weights = decided.weights;
  result.constants = decided.constants;
  result.float_because = decided.float_because;
  return result;
}

}  // namespace qprep
