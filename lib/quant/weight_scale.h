#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ir/tensor.h"
#include "plan/plan.h"

/// Scales of weights and other float constants, straight from their payload.
namespace qprep {

/// scale and zero_point as a FakeQuantize takes them: float32 and int32, both of the dims channel_dims().
struct WeightScale {
  Tensor scale;
  Tensor zero_point;                        // all 0, unless the scheme is asymmetric or unsigned
  std::vector<std::int64_t> zero_channels;  // where kZeroRangeScale stands (per tensor: 0)
};

/// scale = max|w| / ((quant_max - quant_min) / 2) over the whole tensor or over each channel of
/// spec.channel_axis; an all-zero channel gets kZeroRangeScale. Of another scheme than the default: as
/// weight_scale_for, scale.h. Where spec.observer is "mse": as least_error_scale, for each.
/// Given: w is float32, spec.channel_axis is -1 or an axis of w, the precision is an integer.
/// nullopt: the tensor holds NaN or Inf, or values too large for a scale, or no element at all; it has to
/// stay float. `why` (if given) then says so as the end of a sentence: "it holds NaN or infinity". Reads the
/// payload once, in parallel if it is big; the result does not depend on the number of threads.
std::optional<WeightScale> weight_scale(const Tensor& w, const QuantSpec& spec, std::string* why = nullptr);

/// Of a constant in arithmetic, from what its numbers are; nullopt: no scale can serve. Symmetric and signed,
/// it is the least scale that cuts nothing off, max(max / quant_max, min / quant_min), so that the number of
/// largest magnitude is exact, and with it a constant that is one number. All others: as weight_scale_for,
/// scale.h.
std::optional<KnownScale> known_scale(const ConstantFacts& facts, const QuantSpec& spec);

/// Dims of scales for broadcasting against a tensor of rank `rank`: {} per tensor (axis -1), else [C,1,...]
/// so that C stands at `axis`.
Dims channel_dims(std::size_t rank, std::int64_t axis, std::int64_t channels);

/// How a row-major tensor lies around one axis: `outer` blocks of `channels` rows of `inner` elements.
struct AxisLayout {
  std::int64_t outer = 1;
  std::int64_t channels = 1;
  std::int64_t inner = 1;
};
/// Given: axis < dims.size().
AxisLayout layout_around(const Dims& dims, std::size_t axis);

}  // namespace qprep
