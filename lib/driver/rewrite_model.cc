#include "driver/rewrite_model.h"

#include <algorithm>
#include <span>

#include "onnx_io/infer_shapes.h"
#include "passes/partial_shapes.h"

namespace qprep {
namespace {

/// Its size is not known, and inference found no name of the model's for it.
bool is_nameless(const Dim& dim) {
  return !dim.known() && (dim.symbol.empty() || dim.symbol.starts_with("unk__"));
}

bool has_unknown_shape(const Value& value) {
  const Type& type = value.type();
  if (type.kind != Type::Kind::kTensor) return false;
  return !type.shape || std::any_of(type.shape->begin(), type.shape->end(), is_nameless);
}

bool has_unknown_shapes(const Graph& graph) {
  return std::any_of(graph.nodes().begin(), graph.nodes().end(), [](const Node& node) {
    return node.output_count() > 0 && has_unknown_shape(node.output(0));
  });
}

}  // namespace

bool rewrite_model(OnnxFile& file, Plan& plan, Env& env, const PassObserver& observer) {
  const Graph& graph = *file.model.graph;
  const std::size_t before = graph.nodes().size();
  const std::span<const Pass> passes = pipeline(PassKind::kRewrite);
  const std::span<const Pass> replacing = passes.last(1);
  if (!run_passes(file.model, plan, passes.first(passes.size() - 1), env, observer)) return false;
  const bool folded = graph.nodes().size() < before && has_unknown_shapes(graph);
  if (infer_partial_shapes(file.model) || folded) {
    Diagnostics said_already;
    infer_shapes(file, said_already);
  }
  // Knows sizes of whatever could be folded, and says those of what it makes.
  return run_passes(file.model, plan, replacing, env, observer);
}

}  // namespace qprep
