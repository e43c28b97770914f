#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/composites.h"
#include "ir/graph.h"

namespace qprep {

/// The axes that a reduction runs over, ascending, and the rank of what it reads.
struct AxesOfReduction {
  std::vector<std::int64_t> axes;  // -1 = the last one, where the rank is known or they are written so
  std::optional<std::int64_t> rank;

  bool operator==(const AxesOfReduction&) const = default;
};

/// Of a Reduce operator, by its attribute or constant input, or of a global pooling; nullopt where the axes
/// are not known, or are all there are.
std::optional<AxesOfReduction> axes_of_reduction(const Node& node);

/// Whether they are as a pattern asks.
bool are_as_asked(const AxesOfReduction& reduction, ReducedAxes asked);

}  // namespace qprep
