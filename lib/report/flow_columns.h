#pragma once

#include <cstddef>
#include <vector>

#include "report/flow.h"

namespace qprep {

/// How tall a picture may get before it is broken into columns, in points.
struct ColumnLimits {
  double tallest = 3500;      // of a picture in one column
  double least = 1800;        // of a column
  double box_width = 260;     // with the space beside it
  double between = 22;        // from a box to the next one
  double tensor_height = 75;  // of a tensor between two boxes, with the space below it
};

/// In which column each box stands, from 0 on, as text is broken into columns: boxes that stand as high
/// belong to one column, and what they hand on goes to this or a later one. The picture becomes about as wide
/// as it is high; the breaks are where the fewest arrows pass. `heights`: of the boxes, in points.
std::vector<std::size_t> columns_of(const Flow& flow, const std::vector<double>& heights,
                                    const ColumnLimits& limits = {});

}  // namespace qprep
