#include "passes/group_units.h"

#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "passes/composite_matcher.h"
#include "passes/fusion_matcher.h"

namespace qprep {
namespace {

Unit unit_of(CompositeMatch match) {
  return {.pattern = match.pattern->name,
          .nodes = std::move(match.nodes),
          .operands = std::move(match.operands),
          .bounded = match.pattern->bounded};
}

}  // namespace

void group_units(const Model& model, Plan& plan, Env& env) {
  CompositeMatcher::Found found = CompositeMatcher(env.composites->patterns, *env.op_classes).find(model);
  for (CompositeMatch& match : found.matches) plan.units.push_back(unit_of(std::move(match)));
  const DataFlow flow(model, *env.op_classes, plan);
  const std::vector<Unit> composites = std::exchange(plan.units, {});
  const FusionMatcher matcher(*env.fusion, flow, composites);

  std::unordered_set<const Node*> taken;
  std::unordered_map<const Node*, Unit> by_root;
  std::unordered_map<const Node*, Miss> missed;
  for (const Unit& composite : composites) {
    taken.insert(composite.nodes.begin(), composite.nodes.end());
    by_root.emplace(composite.nodes.front(), composite);
  }
  for (CompositeMatch& flawed : found.flawed) {
    const Node* first = flawed.nodes.front();
    missed.emplace(first, Miss{flawed.pattern->name, std::move(flawed.nodes), std::move(flawed.flaw)});
  }
  for (auto at = flow.nodes().rbegin(); at != flow.nodes().rend(); ++at) {
    const Node* node = *at;
    if (taken.contains(node)) continue;
    FusionMatcher::Result sequence = matcher.match(*node, taken);
    if (sequence.miss) missed.emplace(node, std::move(*sequence.miss));
    if (!sequence.unit) continue;
    taken.insert(sequence.unit->nodes.begin(), sequence.unit->nodes.end());
    if (sequence.composite) by_root.erase(sequence.composite->nodes.front());
    by_root.emplace(node, std::move(*sequence.unit));
  }

  for (const Node* each : flow.nodes()) {
    const Node& node = *each;
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
