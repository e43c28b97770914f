#include "quant/fake_quant_math.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "quant/weight_scale.h"
#include "support/parallel.h"

namespace qprep {
namespace {

constexpr std::int64_t kElementsPerTask = std::int64_t{1} << 20;

/// NaN stays NaN.
float clamp(float v, float low, float high) {
  v = v < low ? low : v;
  return v > high ? high : v;
}

/// Nearest integer, ties to even, sign kept, for |v| <= 2^22: adding 1.5 * 2^23 leaves no fraction bits.
/// Unlike std::nearbyint, compilers turn it into vector code for any x86-64.
float round_half_even(float v) {
  constexpr float kNoFraction = 12582912.0F;
  return std::copysign((v + kNoFraction) - kNoFraction, v);
}

/// The limits are integers, so clamping first gives the same as rounding first.
float fake_quantized(float x, float scale, float zero_point, float low, float high) {
  return (round_half_even(clamp(x / scale + zero_point, low, high)) - zero_point) * scale;
}

/// saturate(round_half_even(x / scale) + zero_point), NaN to quant_min.
template <typename Integer>
Integer quantized(float x, float scale, float zero_point, float low, float high) {
  const float v = x / scale;
  const float q = round_half_even(v >= low ? (v > high ? high : v) : low) + zero_point;
  return static_cast<Integer>(static_cast<std::int32_t>(q));
}

float as_float(std::int32_t integer) { return static_cast<float>(integer); }

void fake_quantize(const float* x, float* y, std::size_t count, float scale, std::int32_t zero_point,
                   QuantRange range) {
  const float zero = as_float(zero_point), low = as_float(range.min), high = as_float(range.max);
  for (std::size_t i = 0; i < count; ++i) y[i] = fake_quantized(x[i], scale, zero, low, high);
}

/// Elements [first, last) of a tensor laid out around its channels.
template <typename Integer>
void quantize_part(const std::byte* w, Integer* q, std::int64_t first, std::int64_t last,
                   const AxisLayout& layout, std::span<const QuantParams> channels) {
  for (std::int64_t at = first; at < last;) {
    const std::int64_t row = at / layout.inner;
    const std::int64_t end = std::min(last, (row + 1) * layout.inner);
    const QuantParams& params = channels[static_cast<std::size_t>(row % layout.channels)];
    const float zero = as_float(params.zero_point);
    const float low = as_float(params.range.min) - zero, high = as_float(params.range.max) - zero;
    for (std::int64_t i = at; i < end; ++i) {
      float x;
      __builtin_memcpy(&x, w + i * 4, sizeof x);
      q[i] = quantized<Integer>(x, params.scale, zero, low, high);
    }
    at = end;
  }
}

template <typename Integer>
Tensor quantize_as(const Tensor& w, DType dtype, const AxisLayout& layout,
                   std::span<const QuantParams> channels) {
  const std::int64_t count = w.size();
  std::vector<Integer> q(static_cast<std::size_t>(count));
  const std::int64_t tasks = (count + kElementsPerTask - 1) / kElementsPerTask;
  parallel_for(static_cast<std::size_t>(tasks), 0, [&](std::size_t task) {
    const std::int64_t first = static_cast<std::int64_t>(task) * kElementsPerTask;
    quantize_part(w.bytes().data(), q.data(), first, std::min(count, first + kElementsPerTask), layout,
                  channels);
  });
  return Tensor::of(dtype, w.dims(), std::move(q));
}

}  // namespace

float fake_quantize(float x, const QuantParams& params) {
  return fake_quantized(x, params.scale, as_float(params.zero_point), as_float(params.range.min),
                        as_float(params.range.max));
}

std::int32_t quantize(float x, const QuantParams& params) {
  const float zero = as_float(params.zero_point);
  return quantized<std::int32_t>(x, params.scale, zero, as_float(params.range.min) - zero,
                                 as_float(params.range.max) - zero);
}

void fake_quantize(std::span<const float> x, std::span<float> y, const QuantParams& params) {
  fake_quantize(x.data(), y.data(), x.size(), params.scale, params.zero_point, params.range);
}

void fake_quantize_per_channel(std::span<const float> x, std::span<float> y, const Dims& dims,
                               std::size_t axis, std::span<const float> scales,
                               std::span<const std::int32_t> zero_points, QuantRange range) {
  const AxisLayout layout = layout_around(dims, axis);
  const auto inner = static_cast<std::size_t>(layout.inner);
  const std::int64_t rows = layout.outer * layout.channels;
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto channel = static_cast<std::size_t>(row % layout.channels);
    const std::size_t first = static_cast<std::size_t>(row) * inner;
    fake_quantize(x.data() + first, y.data() + first, inner, scales[channel], zero_points[channel], range);
  }
}

Tensor quantize_tensor(const Tensor& w, DType dtype, std::size_t axis,
                       std::span<const QuantParams> channels) {
  const AxisLayout layout = channels.size() == 1 ? AxisLayout{1, 1, std::max<std::int64_t>(1, w.size())}
                                                 : layout_around(w.dims(), axis);
  switch (dtype) {
    case DType::kUInt8:
      return quantize_as<std::uint8_t>(w, dtype, layout, channels);
    case DType::kInt16:
      return quantize_as<std::int16_t>(w, dtype, layout, channels);
    case DType::kUInt16:
      return quantize_as<std::uint16_t>(w, dtype, layout, channels);
    default:
      return quantize_as<std::int8_t>(w, dtype, layout, channels);
  }
}

}  // namespace qprep
