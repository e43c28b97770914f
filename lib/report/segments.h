#pragma once

#include <unordered_set>

#include "ir/graph.h"
#include "plan/plan.h"

namespace qprep {

/// The parts that the BPU runs in one go: connected nodes of the main graph on the BPU between which no data
/// flow through the CPU, so that every part can run as a whole. Numbered by their first nodes in graph order.
/// Shapes are not data: what is computed from constants and shapes alone splits nothing.
///
/// Found in waves. The wave of a node is the largest of those whose data it reads, one more where the device
/// changes; a node that reads no data comes as late as its readers allow. Connected nodes of one wave are one
/// part. Linear in the graph's size.
struct Segments {
  Numbered<Node, int> of;                        // the nodes on the BPU
  std::unordered_set<const Node*> without_data;  // compute from constants and shapes alone
  int count = 0;
};
Segments bpu_segments(const Model& model, const Plan& plan);

}  // namespace qprep
