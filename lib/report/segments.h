#pragma once

#include <unordered_map>

#include "ir/graph.h"
#include "plan/plan.h"

namespace qprep {

/// The parts that the BPU runs in one go: connected nodes of the main graph on the BPU between which no path
/// leads through the CPU, so that every part can run as a whole. Numbered by their first nodes in graph
/// order. A node whose outputs are all constants splits nothing.
///
/// Found in waves: a node's wave is the largest of those before it, one more where the device changes;
/// connected nodes of one wave are one part. Linear in the graph's size.
std::unordered_map<const Node*, int> bpu_segments(const Model& model, const Plan& plan);

}  // namespace qprep
