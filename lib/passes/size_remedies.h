#pragma once

#include <string>

#include "passes/data_flow.h"
#include "passes/unit_entries.h"
#include "plan/plan.h"

namespace qprep {

/// What enters there follows from shapes and constants alone and cannot be quantised, which it could as the
/// constant that it is where all sizes are known.
bool follows_from_sizes(const Entry& entry, const DataFlow& flow);
/// The unit computes with data and with what follows_from_sizes.
bool reads_open_sizes(const Unit& unit, const DataFlow& flow);
/// With known sizes, a replacement would make something else of a node of the unit.
bool waits_for_sizes(const Unit& unit, const DataFlow& flow);

/// "fix the open sizes: 'dims: {batch: SIZE}'"; empty: none is open.
std::string size_remedy(const Graph& graph);

/// Result: size_remedy is NodePlan::remedy of the nodes that run on the CPU since what they compute, or read,
/// follows from sizes that are open; whether these follow from those of the graph's inputs alone is not
/// known. None where the target keeps the node there too. Given: the devices, and why, are settled.
void add_size_remedies(const Graph& graph, const DataFlow& flow, Plan& plan);

}  // namespace qprep
