#pragma once

#include <vector>

#include "config/rearrangement.h"
#include "ir/graph.h"
#include "plan/plan.h"

namespace qprep {

/// What chains of nodes that only move or repeat elements spell out, in the main graph and in its order. Each
/// result but the last is read once, by the next node. No node is in two: of overlapping chains the longest
/// counts that begins first. A chain has two to eight nodes, so the cost is linear.
std::vector<Block> find_rearrangements(const Model& model, const std::vector<Rearrangement>& rearrangements);

}  // namespace qprep
