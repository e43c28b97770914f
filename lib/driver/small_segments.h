#pragma once

#include <vector>

#include "config/config.h"
#include "driver/rules.h"
#include "ir/graph.h"
#include "plan/plan.h"
#include "plan/setting.h"

namespace qprep {

/// Result: the configuration says of the nodes of small segments that they run on the CPU, first of all. What
/// moves there may leave others smaller, so it is decided anew until none is too small.
void move_small_segments(Config& config, const Rules& rules, Model& model);

/// A setting for each node of a segment of the BPU that has fewer kernels than `hybrid.min_segment` asks for,
/// to leave it float on the CPU; none: no segment is so small, or the configuration does not ask. A kernel is
/// a unit; what only moves elements is none.
std::vector<Setting> small_segments(const Config& config, const Model& model, const Plan& plan);

}  // namespace qprep
