#include "quant/scale.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace qprep {
namespace {

/// As Range, but with the elements that are not finite left to be counted.
struct MinMax {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  bool all_finite = true;
};

constexpr std::uint32_t kExponent = 0x7F800000U;

bool is_finite_bits(float v) { return (std::bit_cast<std::uint32_t>(v) & kExponent) != kExponent; }

/// Branch-free over eight lanes, so that it runs as vector code at the speed of memory.
MinMax min_max(std::span<const float> data) {
  constexpr std::size_t kLanes = 8;
  float low[kLanes], high[kLanes];
  std::uint32_t odd[kLanes] = {};
  std::fill_n(low, kLanes, std::numeric_limits<float>::infinity());
  std::fill_n(high, kLanes, -std::numeric_limits<float>::infinity());
  const auto take = [&](std::size_t lane, float v) {
    low[lane] = v < low[lane] ? v : low[lane];
    high[lane] = v > high[lane] ? v : high[lane];
    odd[lane] |= is_finite_bits(v) ? 0U : 1U;
  };
  const std::size_t whole = data.size() - data.size() % kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) take(lane, data[i + lane]);
  }
  for (std::size_t i = whole; i < data.size(); ++i) take(i - whole, data[i]);
  return {*std::min_element(low, low + kLanes), *std::max_element(high, high + kLanes),
          std::all_of(odd, odd + kLanes, [](std::uint32_t o) { return o == 0; })};
}

}  // namespace

float Range::magnitude() const { return finite > 0 ? std::max(std::fabs(min), std::fabs(max)) : 0.0F; }

void Range::merge(const Range& other) {
  min = std::min(min, other.min);
  max = std::max(max, other.max);
  finite += other.finite;
  infinite += other.infinite;
  nan += other.nan;
}

Range range_of_data(std::span<const float> data) {
  Range range;
  const MinMax all = min_max(data);
  if (all.all_finite) {
    range.min = all.min;
    range.max = all.max;
    range.finite = static_cast<std::int64_t>(data.size());
  } else {
    for (const float v : data) {
      if (std::isfinite(v)) {
        range.min = std::min(range.min, v);
        range.max = std::max(range.max, v);
        ++range.finite;
      } else {
        ++(std::isnan(v) ? range.nan : range.infinite);
      }
    }
  }
  range.min += 0.0F;
  range.max += 0.0F;
  return range;
}

std::optional<float> scale_of(float magnitude, QuantRange range) {
  if (!std::isfinite(magnitude)) return std::nullopt;
  const double half_width = (static_cast<double>(range.max) - static_cast<double>(range.min)) / 2.0;
  const auto scale = static_cast<float>(static_cast<double>(magnitude) / half_width);
  if (scale < std::numeric_limits<float>::min()) return std::nullopt;
  const auto widest = static_cast<float>(std::max(-range.min, range.max));
  if (!std::isfinite(widest * scale)) return std::nullopt;
  return scale;
}

std::optional<float> weight_scale_of(float magnitude, QuantRange range) {
  const bool too_small = std::isfinite(magnitude) && magnitude < 1.0F && !scale_of(magnitude, range);
  return too_small ? kZeroRangeScale : scale_of(magnitude, range);
}

}  // namespace qprep
