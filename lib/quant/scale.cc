#include "quant/scale.h"

#include <algorithm>
#include <cmath>

namespace qprep {

float magnitude(const Range& range) {
  return range.empty() ? 0.0F : std::max(std::fabs(range.min), std::fabs(range.max));
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
