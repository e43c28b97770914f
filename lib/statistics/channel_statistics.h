#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "statistics/tensor_statistics.h"

namespace qprep {

/// Of one tensor; nullopt if `axis` is none of its axes, or if a sum is not finite, as it is where an element
/// is not. The sums are made in an order that the shape alone decides.
std::optional<ChannelStatistics> channel_statistics(std::span<const float> elements,
                                                    std::span<const std::int64_t> dims, std::int64_t axis);

}  // namespace qprep
