#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plan/plan.h"

/// From ranges of real numbers to scales.
namespace qprep {

/// The scale of a weight channel that is all zero (or whose formula leaves the normal float32 numbers at the
/// small end): 2^-23, float32's epsilon, which is PyTorch's lower bound of a scale. Every element is 0 then.
inline constexpr float kZeroRangeScale = std::numeric_limits<float>::epsilon();

/// What was seen of a tensor. min and max are over the finite elements; merging is associative and
/// commutative, so the result does not depend on the order of samples or threads.
struct Range {
  float min = std::numeric_limits<float>::infinity();  // min > max: no finite element was seen
  float max = -std::numeric_limits<float>::infinity();
  std::int64_t finite = 0;    // how many elements were numbers,
  std::int64_t infinite = 0;  // how many +-Inf,
  std::int64_t nan = 0;       // how many NaN

  bool seen() const { return finite + infinite + nan > 0; }
  bool all_finite() const { return infinite == 0 && nan == 0; }
  /// max(|min|, |max|) of the finite elements; 0 if there are none.
  float magnitude() const;
  void merge(const Range& other);

  friend bool operator==(const Range&, const Range&) = default;
};

/// The range of the elements, in one pass. Zeros count as +0, so that equal ranges have equal bytes.
Range range_of_data(std::span<const float> data);

/// Keyed by the name of the value that a FakeQuantize reads (its input 0).
using Ranges = std::map<std::string, Range, std::less<>>;

/// scale = magnitude / ((quant_max - quant_min) / 2): /127.5 for qint8, /32767.5 for qint16; computed in
/// double and rounded once to float32. Given: magnitude >= 0, or NaN.
/// nullopt: no scale can serve. That is magnitude not finite; 0 or so small that the scale would be below the
/// smallest normal float32 (2^-126); or so large that quant_min * scale would overflow float32.
std::optional<float> scale_of(float magnitude, QuantRange range);

struct ScaleAndZero {
  float scale = 1.0F;
  std::int32_t zero_point = 0;
};

/// Of numbers from min to max. `range`: that of the integers.
/// Symmetric and signed: scale_of(the larger magnitude), zero point 0; unsigned: max / quant_max, zero point
/// quant_min, so that what is negative becomes 0. Asymmetric, as in PyTorch: with 0 in [min, max],
/// scale = (max - min) / (quant_max - quant_min), zero point = quant_min - round(min / scale).
/// A power of two is the nearest by its logarithm. nullopt: as scale_of.
std::optional<ScaleAndZero> scale_for(float min, float max, const Scheme& scheme, QuantRange range);
/// The same for a weight channel: kZeroRangeScale where the numbers are too small for a scale.
std::optional<ScaleAndZero> weight_scale_for(float min, float max, const Scheme& scheme, QuantRange range);

/// The smallest and the largest number of a channel. None: min > max.
struct ChannelEnds {
  float min = 0, max = 0;

  friend bool operator==(const ChannelEnds&, const ChannelEnds&) = default;
};
/// A channel of an activation has at least this part of the scale that its tensor would have: what is finer
/// gains nothing, and would cut off whatever a channel holds that was next to nothing in all samples.
inline constexpr float kFinestChannel = 1.0F / 256.0F;
/// Of each channel of an activation, as scale_for. One that is 0 throughout has `whole`, the scale of the
/// tensor.
std::vector<ScaleAndZero> scales_for(std::span<const ChannelEnds> channels, const ScaleAndZero& whole,
                                     Scheme scheme, QuantRange range);

/// scale_of for a weight channel: kZeroRangeScale where the magnitude is too small for a scale.
/// nullopt: not finite, or too large.
std::optional<float> weight_scale_of(float magnitude, QuantRange range);

}  // namespace qprep
