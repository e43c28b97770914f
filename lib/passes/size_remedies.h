#pragma once

#include "passes/data_flow.h"
#include "passes/unit_entries.h"
#include "plan/plan.h"

namespace qprep {

class TargetJudge;

/// What enters there follows from shapes and constants alone and cannot be quantised, which it could as the
/// constant that it is where all sizes are known.
bool follows_from_sizes(const Entry& entry, const DataFlow& flow);
/// The unit computes with data and with what follows_from_sizes.
bool reads_open_sizes(const Unit& unit, const DataFlow& flow);
/// With known sizes, a replacement would make something else of a node of the unit.
bool waits_for_sizes(const Unit& unit, const DataFlow& flow);

/// NodePlan::remedy of the nodes that run on the CPU since what they compute, or read, follows from sizes
/// that are open, and that would not with these given: "fix the open sizes: 'dims: {batch: SIZE}'". None
/// where something else keeps the node there too, as the target does, or where the sizes would still depend
/// on data. Given: the devices, and why, are settled.
void add_size_remedies(const Graph& graph, const DataFlow& flow, const TargetJudge& target, Plan& plan);

}  // namespace qprep
