#include "passes/take_out_batch_norm.h"

#include <unordered_set>
#include <vector>

#include "passes/fold_batch_norm.h"
#include "passes/kept_batch_norms.h"
#include "passes/rewriter.h"

namespace qprep {
namespace {

struct Written {
  WrittenBatchNorm parts;
  Node* norm = nullptr;
  Value* unscaled = nullptr;  // what the layer read
};

std::unordered_set<const Node*> batch_norms_of(Model& model) {
  std::unordered_set<const Node*> found;
  for_each_graph(model, [&](Graph& graph) {
    for (const Node& node : graph.nodes()) {
      if (node.is("BatchNormalization")) found.insert(&node);
    }
  });
  return found;
}

}  // namespace

bool take_out_batch_norm(Model& model, Env& env) {
  std::vector<Written> all;
  std::unordered_set<const Node*> norms;
  for_each_graph(model, [&](Graph& graph) {
    for (Node& node : graph.nodes()) {
      if (!node.is("BatchNormalization")) continue;
      if (const auto parts = written_batch_norm(node)) {
        all.push_back({*parts, &node, parts->layer->input(1)});
        norms.insert(&node);
      }
    }
  });
  if (all.empty()) return false;

  Rewriter rewriter(model, env);
  // Each layer alone reads its weight; what read it otherwise reads something else for a while.
  for (const Written& each : all) {
    rewriter.set_input(*each.parts.layer, 1, each.parts.weight);
    rewriter.set_input(*each.parts.quantiser, 0, each.norm->input(1));
    rewriter.set_input(*each.parts.product, 0, each.parts.product->input(1));
  }
  const bool changed = fold_batch_norms(model, env, norms);
  const std::unordered_set<const Node*> left = batch_norms_of(model);
  for (const Written& each : all) {
    const WrittenBatchNorm& parts = each.parts;
    const bool stays = left.contains(each.norm);
    if (stays) rewriter.set_input(*parts.product, 0, parts.weight);
    rewriter.set_input(*parts.quantiser, 0, stays ? &parts.product->output(0) : parts.layer->input(1));
    rewriter.set_input(*parts.layer, 1, stays ? each.unscaled : &parts.quantiser->output(0));
  }
  rewriter.finish();
  return changed;
}

}  // namespace qprep
