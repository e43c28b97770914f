#pragma once

#include "passes/data_flow.h"
#include "plan/node_settings.h"
#include "plan/plan.h"

namespace qprep {

/// Draws the borders of what method jit_strip leaves to be quantised, as lines of plan.region: what enters
/// the region, what leaves it, and how many operators before and behind it stay float for that. No lines:
/// nothing does. Given: every NodePlan has its device and the reason of it.
void find_region(const DataFlow& flow, const NodeSettings& settings, Plan& plan);

}  // namespace qprep
