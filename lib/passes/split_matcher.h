#pragma once

#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"

namespace qprep {

/// Slices of one tensor that take it apart along one axis, each element once: what a Split does. Their nodes
/// are in graph order. Given: the marks of the nodes are.
std::vector<Block> find_splits(const Model& model);

}  // namespace qprep
