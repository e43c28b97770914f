#include "driver/rewrite_model.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ir/open_axes.h"
#include "onnx_io/file_record.h"
#include "onnx_io/infer_shapes.h"
#include "passes/drop_identity.h"
#include "passes/fold_constants.h"
#include "passes/fuse_lists.h"
#include "passes/gone_nodes.h"
#include "passes/partial_shapes.h"

namespace qprep {
namespace {

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

/// Sizes that one round makes known turn shape arithmetic of the next into constants. Real models take two or
/// three rounds; the bound is on what a file could ask for.
constexpr int kMostRounds = 16;

/// Adds what is not said yet.
void add_new(const Diagnostics& found, Diagnostics& said) {
  for (const Diagnostic& each : found.all()) {
    const auto says = [&each](const Diagnostic& other) { return to_text(other) == to_text(each); };
    if (std::none_of(said.all().begin(), said.all().end(), says)) said.add(each);
  }
}

/// Infers shapes and folds what that makes constant, until neither finds anything. Given: `folded`: nodes
/// went since shapes were inferred.
void settle_shapes(OnnxFile& file, bool folded, Env& env) {
  Diagnostics found;
  Env quiet{.diagnostics = found, .limits = env.limits};
  for (int round = 0; round < kMostRounds; ++round) {
    const bool can_learn = folded && has_unknown_shapes(*file.model.graph);
    if (!infer_partial_shapes(file.model) && !can_learn) break;
    Diagnostics said_already;
    infer_shapes(file, said_already);
    folded = fold_constants(file.model, quiet);
    folded = drop_identity(file.model, quiet) || folded;
    if (!folded) break;
  }
  add_new(found, env.diagnostics);
}

/// What is gone stands as it stood in the file, what functions held behind it; what one node became, as it
/// did. Nodes that handed on what they read say what that is in the file.
void tell_gone_by_file(OnnxFile& file) {
  if (!file.record || file.model.gone.empty()) return;
  const std::vector<const onnx::NodeProto*>& nodes = file.record->nodes;
  std::unordered_map<std::string_view, std::size_t> place;  // of the node that makes it
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const std::string& name : nodes[i]->output()) place.emplace(name, i);
  }
  std::unordered_map<std::string, std::size_t> of;  // by label: as it first went
  std::vector<std::pair<std::size_t, GoneNode>> sorted;
  for (GoneNode& gone : file.model.gone) {
    std::size_t at = nodes.size();
    for (const std::string& name : gone.results) {
      if (const auto known = place.find(name); known != place.end()) at = std::min(at, known->second);
    }
    at = of.emplace(gone.label, at).first->second;
    if (at < nodes.size() && nodes[at]->input_size() > 0 && !gone.reads.empty() &&
        gone.because == hands_on(gone.reads.front())) {
      gone.because = hands_on(nodes[at]->input(0));
      gone.reads.front() = nodes[at]->input(0);
    }
    sorted.emplace_back(at, std::move(gone));
  }
  std::ranges::stable_sort(sorted, {}, [](const auto& each) { return each.first; });
  for (std::size_t i = 0; i < sorted.size(); ++i) file.model.gone[i] = std::move(sorted[i].second);
}

}  // namespace

bool rewrite_model(OnnxFile& file, Plan& plan, Env& env, const PassObserver& observer) {
  const std::span<const Pass> rewrites = pipeline(PassKind::kRewrite);
  const std::size_t functions = file.model.functions.size();
  if (!run_passes(file.model, plan, rewrites.first(1), env, observer)) return false;
  Diagnostics said_before;
  if (file.model.functions.size() < functions) infer_shapes(file, said_before);
  if (env.fusing) FuseLists(file.model, *env.fusing).check_order(env.diagnostics);
  const Graph& graph = *file.model.graph;
  const std::size_t before = graph.nodes().size();
  const std::span<const Pass> replacing = rewrites.last(1);
  const std::span<const Pass> others = rewrites.subspan(1, rewrites.size() - 2);
  if (!run_passes(file.model, plan, others, env, observer)) return false;
  settle_shapes(file, graph.nodes().size() < before, env);
  // Knows sizes of whatever could be folded, and says those of what it makes.
  const bool whole = run_passes(file.model, plan, replacing, env, observer);
  settle_gone(file.model);
  tell_gone_by_file(file);
  return whole;
}

}  // namespace qprep
