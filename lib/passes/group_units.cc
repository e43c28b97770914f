#include "passes/group_units.h"

#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "passes/composite_matcher.h"
#include "passes/fusion_matcher.h"

namespace qprep {

void group_units(const Model& model, Plan& plan, Env& env) {
  plan.units = CompositeMatcher(*env.composites, *env.op_classes).find(model);
  const DataFlow flow(model, *env.op_classes, plan);
  const FusionMatcher matcher(*env.fusion, flow);
  const Graph& graph = *model.graph;

  std::unordered_set<const Node*> taken;
  std::unordered_map<const Node*, Unit> by_root;
  std::unordered_map<const Node*, Miss> missed;
  for (Unit& composite : std::exchange(plan.units, {})) {
    taken.insert(composite.nodes.begin(), composite.nodes.end());
    const Node* first = composite.nodes.front();
    by_root.emplace(first, std::move(composite));
  }
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    if (taken.contains(&*node)) continue;
    FusionMatcher::Result found = matcher.match(*node, taken);
    if (found.miss) missed.emplace(&*node, std::move(*found.miss));
    if (!found.unit) continue;
    taken.insert(found.unit->nodes.begin(), found.unit->nodes.end());
    by_root.emplace(&*node, std::move(*found.unit));
  }

  for (const Node& node : graph.nodes()) {
    if (const auto miss = missed.find(&node); miss != missed.end()) {
      plan.misses.push_back(std::move(miss->second));
    }
    const auto unit = by_root.find(&node);
    if (unit == by_root.end()) {
      const OpClass op_class = flow.traits(node).op_class;
      const bool alone = op_class == OpClass::kGemmLike || op_class == OpClass::kActive;
      if (taken.contains(&node) || !alone) continue;
      plan.units.push_back({node.op(), {&node}});
    } else {
      plan.units.push_back(std::move(unit->second));
    }
    for (const Node* member : plan.units.back().nodes) {
      plan.nodes[member].unit = static_cast<int>(plan.units.size()) - 1;
    }
  }
}

}  // namespace qprep
