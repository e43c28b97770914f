#pragma once

#include "passes/placement.h"

namespace qprep {

/// The device of every node of the main graph, and the reason of every device, result and weight: NodePlan's
/// texts and plan.not_quantised. Given: place() has returned `nodes`.
void explain_placement(const Model& model, const DataFlow& flow, const WeightDecisions& weights,
                       const NodeSettings& settings, const QuantisedNodes& nodes, Plan& plan);

}  // namespace qprep
