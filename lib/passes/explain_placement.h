#pragma once

#include "passes/placement.h"

namespace qprep {

/// The device of every node that the flow knows, and the reason of every device, result and weight:
/// NodePlan's texts and plan.not_quantised. Given: place() has returned `nodes`.
void explain_placement(const DataFlow& flow, const WeightDecisions& weights, const NodeSettings& settings,
                       const QuantisedNodes& nodes, Plan& plan);

}  // namespace qprep
