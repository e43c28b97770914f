#pragma once

#include <cstddef>
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
  QuantRange range;  // of 16 bits at most, so that every integer is exact in float32
};

float fake_quantize(float x, const QuantParams& params);

/// The integer before it is scaled back. A NaN becomes quant_min, as in ONNX Runtime's QuantizeLinear.
std::int32_t quantize(float x, const QuantParams& params);

/// Given: y.size() == x.size(). They may be the same memory.
void fake_quantize(std::span<const float> x, std::span<float> y, const QuantParams& params);

/// Element i of a tensor of `dims` uses scales[its index along `axis`]; zero points alike.
/// Given: axis < rank; scales.size() == zero_points.size() == dims[axis]; x and y have the elements of dims.
void fake_quantize_per_channel(std::span<const float> x, std::span<float> y, const Dims& dims,
                               std::size_t axis, std::span<const float> scales,
                               std::span<const std::int32_t> zero_points, QuantRange range);

/// The integers of a constant, as QuantizeLinear computes them.
/// Given: w is float32; dtype is int8, uint8, int16 or uint16 and params' ranges are its own; `channels` has
/// one entry (per tensor), or one for each index along `axis`.
/// Result: a tensor of w's dims. Reads w once, in parallel if it is big.
Tensor quantize_tensor(const Tensor& w, DType dtype, std::size_t axis, std::span<const QuantParams> channels);

}  // namespace qprep
