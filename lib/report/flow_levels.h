#pragma once

#include <cstddef>
#include <string>

#include "report/flow.h"

namespace qprep {

/// How much a picture may hold. Graphviz lays out what is within the last three in a second or two.
struct FlowLimits {
  std::size_t readable = 100;  // boxes: with more, what stands in a row becomes one
  std::size_t items = 1000;    // boxes and bundles of tensors: with more, each segment becomes one
  std::size_t arrows = 2500;
  std::size_t rows = 40'000;  // that the arrows pass, each counted as often as it is passed
};

/// A flow with few enough boxes to draw, and what was done to it.
struct DrawnFlow {
  enum class Level {
    kUnits,     // a box is a unit, or nodes on the CPU in a row with one reason
    kRuns,      // units in a row, and branches that meet again, are one box
    kSegments,  // a box is a segment of the BPU, or all that runs on the CPU between two of them
    kStages     // a box is all that runs on one device between two changes of it, or many such stages
  };

  Flow flow;
  Level level = Level::kUnits;
  std::size_t units = 0;     // boxes of the flow that it was made from
  std::size_t left_out = 0;  // nodes that compute from shapes alone, and are not drawn
};

/// The finest level within the limits. Linear in the flow's size, but for sorting.
DrawnFlow drawn_flow(Flow flow, const FlowLimits& limits = {});

}  // namespace qprep
