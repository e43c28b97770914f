#include "quant/scale.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace qprep {
namespace {

/// As Range, but with the elements that are not finite left to be counted.
struct MinMax {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  bool all_finite = true;
};

/// One pass, in vectors as wide as the processor has, of four or eight numbers: the smallest and the largest
/// of them do not depend on that. Their sum tells whether all are finite; where it is too large for that, it
/// is said that some are not.
[[gnu::target_clones("avx2", "default")]] MinMax min_max(std::span<const float> data) {
  using Lanes [[gnu::vector_size(32)]] = float;
  constexpr std::size_t kVectors = 2, kWidth = sizeof(Lanes) / sizeof(float), kLanes = kVectors * kWidth;
  std::array<Lanes, kVectors> low, high, sum;
  low.fill(Lanes{} + std::numeric_limits<float>::infinity());
  high.fill(Lanes{} - std::numeric_limits<float>::infinity());
  sum.fill(Lanes{});
  const std::size_t whole = data.size() - data.size() % kLanes;
  for (std::size_t at = 0; at < whole; at += kLanes) {
    for (std::size_t i = 0; i < kVectors; ++i) {
      Lanes x;
      std::memcpy(&x, data.data() + at + i * kWidth, sizeof(x));
      low[i] = x < low[i] ? x : low[i];
      high[i] = x > high[i] ? x : high[i];
      sum[i] += x;
    }
  }
  MinMax all;
  for (std::size_t i = 0; i < kVectors; ++i) {
    for (std::size_t lane = 0; lane < kWidth; ++lane) {
      all.min = std::min(all.min, low[i][lane]);
      all.max = std::max(all.max, high[i][lane]);
      all.all_finite = all.all_finite && std::isfinite(sum[i][lane]);
    }
  }
  for (const float v : data.subspan(whole)) {
    all.min = std::min(all.min, v);
    all.max = std::max(all.max, v);
    all.all_finite = all.all_finite && std::isfinite(v);
  }
  return all;
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

std::optional<ScaleAndZero> scale_for(float min, float max, const Scheme& scheme, QuantRange range) {
  if (!std::isfinite(min) || !std::isfinite(max)) return std::nullopt;
  const double steps = static_cast<double>(range.max) - static_cast<double>(range.min);
  const double low = std::min(static_cast<double>(min), 0.0), high = std::max(static_cast<double>(max), 0.0);
  std::optional<float> scale;
  if (!scheme.symmetric) {
    scale = scale_of(static_cast<float>((high - low) / 2.0), range);
  } else if (scheme.is_signed) {
    scale = scale_of(std::max(std::fabs(min), std::fabs(max)), range);
  } else {
    const double largest = high > 0.0 ? high : -low;
    scale = scale_of(static_cast<float>(largest / 2.0), range);
  }
  if (!scale) return std::nullopt;
  if (scheme.power_of_two) *scale = static_cast<float>(std::exp2(std::nearbyint(std::log2(*scale))));
  *scale = std::max(*scale, scheme.smallest_scale);
  if (!(*scale >= std::numeric_limits<float>::min()) || !std::isfinite(static_cast<float>(steps) * *scale)) {
    return std::nullopt;
  }
  ScaleAndZero result{*scale, scheme.is_signed && scheme.symmetric ? 0 : range.min};
  if (!scheme.symmetric) {
    const double zero = range.min - std::nearbyint(low / static_cast<double>(*scale));
    result.zero_point = static_cast<std::int32_t>(
        std::clamp(zero, static_cast<double>(range.min), static_cast<double>(range.max)));
  }
  return result;
}

std::vector<ScaleAndZero> scales_for(std::span<const ChannelEnds> channels, const ScaleAndZero& whole,
                                     Scheme scheme, QuantRange range) {
  scheme.smallest_scale = std::max(scheme.smallest_scale, whole.scale * kFinestChannel);
  std::vector<ScaleAndZero> scales;
  for (const ChannelEnds& channel : channels) {
    const bool is_zero = channel.min > channel.max || (channel.min == 0.0F && channel.max == 0.0F);
    const auto own = is_zero ? std::nullopt : scale_for(channel.min, channel.max, scheme, range);
    scales.push_back(own.value_or(whole));
  }
  return scales;
}

std::optional<ScaleAndZero> weight_scale_for(float min, float max, const Scheme& scheme, QuantRange range) {
  if (const auto found = scale_for(min, max, scheme, range)) return found;
  const float magnitude = std::max(std::fabs(min), std::fabs(max));
  const bool too_small = std::isfinite(magnitude) && magnitude < 1.0F;
  if (!too_small) return std::nullopt;
  const std::int32_t zero = scheme.is_signed ? 0 : range.min;
  return ScaleAndZero{std::max(kZeroRangeScale, scheme.smallest_scale), zero};
}

std::optional<float> weight_scale_of(float magnitude, QuantRange range) {
  const bool too_small = std::isfinite(magnitude) && magnitude < 1.0F && !scale_of(magnitude, range);
  return too_small ? kZeroRangeScale : scale_of(magnitude, range);
}

}  // namespace qprep
