#pragma once

#include <string>

#include "passes/data_flow.h"
#include "passes/weight_decisions.h"
#include "plan/plan.h"

namespace qprep {

struct March;
class TargetJudge;

/// What nodes do with quantised numbers.
struct QuantisedNodes {
  NumberedSet<Node> computing;  // the members of units that can run quantised
  NumberedSet<Node> moving;     // passive ones whose data is quantised
  /// Of such units, by their first nodes: the settings without which they would not. No words.
  Numbered<Node, Reason> keepers;
  /// Why what is quantised runs on the CPU: passive ones, and operators that carry scales of their own.
  Numbered<Node, Reason> on_cpu;

  /// Empty: nothing keeps the unit, or null.
  Reason keepers_of(const Unit* unit) const {
    const auto at = unit ? keepers.find(unit->nodes.front()) : keepers.end();
    return at == keepers.end() ? Reason() : at->second;
  }
};

/// Decides for the main graph and the bodies of its control flow which units run quantised, where the
/// FakeQuantizes stand that this needs, and which inputs read them; docs/placement.md has the rules. Fills
/// plan.values, same_as, known_scales, NodePlan::quantised_inputs, and why what a unit reads or computes is
/// not quantised; for a unit that cannot run quantised, NodePlan::device_because. Given: plan.units is
/// filled. `march`: null for none. What the target cannot run stays float, NodePlan::remedy says what would
/// change that; a precision that it does not have is the largest smaller one that it has, and the reason says
/// so. A limit that cannot be decided, since a size is unknown, counts as kept (NodePlan::undecided).
QuantisedNodes place(const DataFlow& flow, const WeightDecisions& weights, const NodeSettings& settings,
                     const March* march, const TargetJudge& target, Plan& plan);

/// The node is passive and moves numbers that have a scale of the model's own: an operator that carries
/// scales made them, or quantises them.
bool moves_quantised_already(const DataFlow& flow, const Node& node);

}  // namespace qprep
