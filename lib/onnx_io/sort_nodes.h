#pragma once

#include "ir/graph.h"

namespace qprep {

/// Result: the nodes of the graph (not of its bodies) stand in topological order, each as early as those that
/// stood before it allow; null. If they form a cycle: a node on it, and the order is unspecified.
const Node* sort_nodes(Graph& graph);

}  // namespace qprep
