#pragma once

#include <string>
#include <unordered_map>

#include "ir/graph.h"
#include "plan/plan.h"

namespace qprep {

/// "a fixed size of what is open in the model's inputs would decide it: 'dims: {batch: SIZE}' in the
/// configuration, or 'qprep check --dim batch=SIZE'"; empty: no size is open.
std::string sizes_remedy(const Graph& graph);

/// The nodes that run on the CPU since what they compute, or read, follows from sizes that are open, with
/// what would change that: "fix the open sizes: 'dims: {batch: SIZE}'". Empty: no size is open.
std::unordered_map<const Node*, std::string> remedies_of_sizes(const Graph& graph, const Plan& plan);

}  // namespace qprep
