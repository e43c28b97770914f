#pragma once

#include "passes/data_flow.h"
#include "passes/weight_decisions.h"
#include "plan/plan.h"

namespace qprep {

/// Decides for the main graph which nodes run quantised, where the FakeQuantizes stand that this needs, and
/// which inputs read them; docs/placement.md has the rules. Fills the plan but for what stands inside bodies
/// and functions. Given: plan.units is filled.
void place(const Model& model, const DataFlow& flow, const WeightDecisions& weights,
           const Template& activations, Plan& plan);

}  // namespace qprep
