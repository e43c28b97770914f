#pragma once

#include "passes/data_flow.h"
#include "plan/node_settings.h"
#include "plan/plan.h"

namespace qprep {

/// Which of the tensors that plan.values quantises have one scale in common (plan.shared_scales, and their
/// reasons): what all calls of one weight make, where the settings for all of them say so; what one turn of a
/// loop makes for the next one, and what that reads; what an active operator reads and makes, where a setting
/// says so (plan.scale_groups). Sets that have a tensor in common are one.
void share_scales(const DataFlow& flow, const NodeSettings& settings, Plan& plan);

}  // namespace qprep
