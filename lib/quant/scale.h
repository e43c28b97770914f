#pragma once

#include <limits>
#include <optional>

#include "plan/plan.h"
#include "quant/ranges.h"

/// From ranges of real numbers to scales. Everything is symmetric: the zero point is 0.
namespace qprep {

/// The scale of a weight channel that is all zero (or whose formula leaves the normal float32 numbers at the
/// small end): 2^-23, float32's epsilon, which is PyTorch's lower bound of a scale. Every element is 0 then.
inline constexpr float kZeroRangeScale = std::numeric_limits<float>::epsilon();

/// max(|min|, |max|) of what was finite; 0 if nothing was.
float magnitude(const Range& range);

/// scale = magnitude / ((quant_max - quant_min) / 2): /127.5 for qint8, /32767.5 for qint16; computed in
/// double and rounded once to float32. Given: magnitude >= 0, or NaN.
/// nullopt: no scale can serve. That is magnitude not finite; 0 or so small that the scale would be below the
/// smallest normal float32 (2^-126); or so large that quant_min * scale would overflow float32.
std::optional<float> scale_of(float magnitude, QuantRange range);

/// scale_of for a weight channel: kZeroRangeScale where the magnitude is too small for a scale.
/// nullopt: not finite, or too large.
std::optional<float> weight_scale_of(float magnitude, QuantRange range);

}  // namespace qprep
