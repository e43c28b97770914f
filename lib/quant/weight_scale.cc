#include "quant/weight_scale.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <limits>

#include "plan/observer.h"
#include "quant/least_error_scale.h"
#include "quant/scale.h"
#include "support/parallel.h"

namespace qprep {
namespace {

constexpr std::int64_t kElementsPerThread = std::int64_t{1} << 20;
constexpr std::int64_t kElementsPerPiece = std::int64_t{1} << 16;

/// The bits of |w[i]|. As integers they are ordered as the magnitudes are, with Inf above all numbers and NaN
/// above Inf, so that one integer maximum finds the largest element and whatever is not finite.
std::uint32_t magnitude_bits(const std::byte* w, std::int64_t i) {
  std::uint32_t bits;
  __builtin_memcpy(&bits, w + i * 4, sizeof bits);
  return bits & 0x7FFFFFFFU;
}

/// largest[channel] rises to the magnitudes of elements [first, last), which stand at `w`.
void accumulate(const std::byte* w, std::int64_t first, std::int64_t last, const AxisLayout& layout,
                std::vector<std::uint32_t>& largest) {
  w -= first * 4;
  if (layout.inner == 1) {
    for (std::int64_t at = first; at < last;) {
      const std::int64_t channel = at % layout.channels;
      const std::int64_t count = std::min(last - at, layout.channels - channel);
      std::uint32_t* row = largest.data() + channel;
      for (std::int64_t i = 0; i < count; ++i) row[i] = std::max(row[i], magnitude_bits(w, at + i));
      at += count;
    }
    return;
  }
  for (std::int64_t at = first; at < last;) {
    const std::int64_t row = at / layout.inner;
    const std::int64_t end = std::min(last, (row + 1) * layout.inner);
    std::uint32_t most = 0;
    for (std::int64_t i = at; i < end; ++i) most = std::max(most, magnitude_bits(w, i));
    std::uint32_t& channel = largest[static_cast<std::size_t>(row % layout.channels)];
    channel = std::max(channel, most);
    at = end;
  }
}

/// max|w| of each channel. Each thread has a maximum of its own for a part of the payload.
std::vector<float> magnitudes(const Tensor& w, const AxisLayout& layout) {
  const std::int64_t count = w.size();
  const auto threads = static_cast<std::int64_t>(hardware_threads());
  const std::int64_t tasks = std::clamp<std::int64_t>(count / kElementsPerThread, 1, threads);
  std::vector<std::vector<std::uint32_t>> partial(static_cast<std::size_t>(tasks));
  parallel_for(partial.size(), 0, [&](std::size_t task) {
    const auto t = static_cast<std::int64_t>(task);
    const std::int64_t share = count / tasks, extra = count % tasks;
    const std::int64_t first = t * share + std::min(t, extra);
    partial[task].assign(static_cast<std::size_t>(layout.channels), 0);
    std::vector<std::byte> room;
    const std::int64_t end = first + share + (t < extra ? 1 : 0);
    for (std::int64_t at = first; at < end; at += kElementsPerPiece) {
      const std::int64_t last = std::min(end, at + kElementsPerPiece);
      const std::span<const std::byte> piece =
          w.payload().piece(static_cast<std::size_t>(at) * 4, static_cast<std::size_t>(last - at) * 4, room);
      accumulate(piece.data(), at, last, layout, partial[task]);
    }
  });
  std::vector<float> result(static_cast<std::size_t>(layout.channels));
  for (std::size_t c = 0; c < result.size(); ++c) {
    std::uint32_t most = 0;
    for (const auto& part : partial) most = std::max(most, part[c]);
    result[c] = std::bit_cast<float>(most);
  }
  return result;
}

/// The smallest and the largest number of each channel; NaN where one is in it.
std::vector<Range> ranges_of(const Tensor& w, const AxisLayout& layout) {
  std::vector<Range> ranges(static_cast<std::size_t>(layout.channels));
  const std::vector<float> values = w.to_vector<float>();
  const auto inner = static_cast<std::size_t>(layout.inner);
  for (std::size_t row = 0; row * inner < values.size(); ++row) {
    ranges[row % ranges.size()].merge(range_of_data(std::span(values).subspan(row * inner, inner)));
  }
  return ranges;
}

/// The elements of each channel, one behind the other.
std::vector<std::vector<float>> by_channel(const Tensor& w, const AxisLayout& layout) {
  std::vector<std::vector<float>> channels(static_cast<std::size_t>(layout.channels));
  const std::vector<float> values = w.to_vector<float>();
  const auto inner = static_cast<std::ptrdiff_t>(layout.inner);
  auto row = values.begin();
  for (std::size_t i = 0; row != values.end(); ++i, row += inner) {
    std::vector<float>& channel = channels[i % channels.size()];
    channel.insert(channel.end(), row, row + inner);
  }
  return channels;
}

/// The scale of each channel that loses least. Given: those of `result` serve.
void take_least_error(const Tensor& w, const QuantSpec& spec, const AxisLayout& layout, WeightScale& result) {
  const std::vector<std::vector<float>> channels = by_channel(w, layout);
  std::vector<float> scales = result.scale.to_vector<float>();
  std::vector<std::int32_t> zeros = result.zero_point.to_vector<std::int32_t>();
  parallel_for(channels.size(), 0, [&](std::size_t c) {
    if (std::find(result.zero_channels.begin(), result.zero_channels.end(), c) != result.zero_channels.end())
      return;
    const Range range = range_of_data(channels[c]);
    const auto best = least_error_scale(channels[c], range.min, range.max, spec.scheme, range_of(spec));
    if (!best) return;
    scales[c] = best->scale;
    zeros[c] = best->zero_point;
  });
  const Dims dims = result.scale.dims();
  result.scale = Tensor::floats(dims, std::move(scales));
  result.zero_point = Tensor::of<std::int32_t>(DType::kInt32, dims, std::move(zeros));
}

/// For any scheme, where the numbers are of use.
std::optional<WeightScale> weight_scale_by_range(const Tensor& w, const QuantSpec& spec,
                                                 const AxisLayout& layout, std::string& why) {
  WeightScale result;
  std::vector<float> scales;
  std::vector<std::int32_t> zeros;
  for (const Range& range : ranges_of(w, layout)) {
    if (!range.all_finite()) {
      why = "it holds NaN or infinity";
      return std::nullopt;
    }
    const auto found = weight_scale_for(range.min, range.max, spec.scheme, range_of(spec));
    if (!found) {
      why = fmt::format("its range {} to {} is too large for a scale", range.min, range.max);
      return std::nullopt;
    }
    if (range.magnitude() < kZeroRangeScale && found->scale <= kZeroRangeScale) {
      result.zero_channels.push_back(static_cast<std::int64_t>(scales.size()));
    }
    scales.push_back(found->scale);
    zeros.push_back(found->zero_point);
  }
  const Dims dims = channel_dims(w.dims().size(), spec.channel_axis, layout.channels);
  result.zero_point = Tensor::of<std::int32_t>(DType::kInt32, dims, std::move(zeros));
  result.scale = Tensor::floats(dims, std::move(scales));
  return result;
}

}  // namespace

AxisLayout layout_around(const Dims& dims, std::size_t axis) {
  AxisLayout layout;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (i == axis) layout.channels = dims[i];
    (i < axis ? layout.outer : layout.inner) *= i == axis ? 1 : dims[i];
  }
  return layout;
}

Dims channel_dims(std::size_t rank, std::int64_t axis, std::int64_t channels) {
  if (axis < 0) return {};
  Dims dims(rank - static_cast<std::size_t>(axis), 1);
  dims.front() = channels;
  return dims;
}

std::optional<KnownScale> known_scale(const ConstantFacts& facts, const QuantSpec& spec) {
  const QuantRange range = range_of(spec);
  auto known =
      weight_scale_for(static_cast<float>(facts.min), static_cast<float>(facts.max), spec.scheme, range);
  if (!known) return std::nullopt;
  const double widest = std::max(facts.max / range.max, facts.min / range.min);
  const auto exact = static_cast<float>(widest);
  const bool any_scale = spec.scheme.symmetric && spec.scheme.is_signed && !spec.scheme.power_of_two;
  if (any_scale && exact >= std::max(std::numeric_limits<float>::min(), spec.scheme.smallest_scale)) {
    known->scale = exact;
  }
  return KnownScale{Tensor::scalar(known->scale),
                    Tensor::of<std::int32_t>(DType::kInt32, {}, {known->zero_point})};
}

std::optional<WeightScale> weight_scale(const Tensor& w, const QuantSpec& spec, std::string* why) {
  const auto no = [&](std::string reason) {
    if (why) *why = std::move(reason);
    return std::nullopt;
  };
  if (w.size() == 0) return no("it has no elements");
  const bool per_tensor = spec.channel_axis < 0;
  const AxisLayout layout = per_tensor ? AxisLayout{1, 1, w.size()}
                                       : layout_around(w.dims(), static_cast<std::size_t>(spec.channel_axis));
  const bool least_error = spec.observer == to_text(Observer::kMse);
  const bool by_magnitude = !least_error && spec.scheme.symmetric && spec.scheme.is_signed &&
                            !spec.scheme.power_of_two && spec.scheme.smallest_scale == 0;
  if (!by_magnitude) {
    std::string reason;
    auto found = weight_scale_by_range(w, spec, layout, reason);
    if (found && least_error) take_least_error(w, spec, layout, *found);
    return found ? std::move(found) : no(std::move(reason));
  }
  WeightScale result;
  std::vector<float> scales = magnitudes(w, layout);
  for (std::size_t c = 0; c < scales.size(); ++c) {
    const float largest = scales[c];
    const std::optional<float> scale = weight_scale_of(largest, range_of(spec));
    if (!scale && largest <= std::numeric_limits<float>::max()) {
      return no(fmt::format("its largest magnitude is {}, too large for a scale", largest));
    }
    if (!scale) return no("it holds NaN or infinity");
    if (*scale == kZeroRangeScale && largest < kZeroRangeScale) {
      result.zero_channels.push_back(static_cast<std::int64_t>(c));
    }
    scales[c] = *scale;
  }
  const Dims dims = channel_dims(w.dims().size(), spec.channel_axis, layout.channels);
  result.zero_point =
      Tensor::of<std::int32_t>(DType::kInt32, dims, std::vector<std::int32_t>(scales.size(), 0));
  result.scale = Tensor::floats(dims, std::move(scales));
  return result;
}

}  // namespace qprep
