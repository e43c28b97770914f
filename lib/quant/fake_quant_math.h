#pragma once

#include <cstdint>
#include <span>

#include "ir/tensor.h"
#include "plan/plan.h"

/// The arithmetic of FakeQuantize on plain numbers: the reference that the ONNX form equals bit for bit.
///
///   y = (clamp(round_half_even(x / scale + zero_point), quant_min, quant_max) - zero_point) * scale
///
/// in float32, in this order, every step rounded to nearest even. Hence: +-Inf saturates; NaN stays NaN; -0.0
/// becomes +0.0, while a negative x that rounds to zero becomes -0.0.
namespace qprep {

struct QuantParams {
  float scale = 1.0F;  // > 0, finite
  std::int32_t zero_point = 0;
  QuantRange range;  // within int16, so that every integer is exact in float32
};

float fake_quantize(float x, const QuantParams& params);

/// The integer before it is scaled back. A NaN becomes zero_point.
std::int32_t quantize(float x, const QuantParams& params);

/// Given: y.size() == x.size(). They may be the same memory.
void fake_quantize(std::span<const float> x, std::span<float> y, const QuantParams& params);

/// Element i of a tensor of `dims` uses scales[its index along `axis`]; zero points alike, or none for all
/// zero. Given: 0 <= axis < rank; scales.size() == dims[axis]; x and y have the elements of dims.
void fake_quantize_per_channel(std::span<const float> x, std::span<float> y, const Dims& dims,
                               std::size_t axis, std::span<const float> scales,
                               std::span<const std::int32_t> zero_points, QuantRange range);

}  // namespace qprep
