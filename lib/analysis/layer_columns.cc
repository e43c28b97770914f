#include "analysis/layer_columns.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace qprep {
namespace {

std::int64_t product(std::span<const std::int64_t> of) {
  return std::accumulate(of.begin(), of.end(), std::int64_t{1}, std::multiplies<>());
}

class Convolution {
 public:
  Convolution(const LayerWindow& window, std::span<const float> x, std::span<const std::int64_t> dims)
      : window_(window), x_(x), channels_(dims[1]), taps_(product(window.kernel)) {
    for (std::size_t i = 0; i < window.kernel.size(); ++i) {
      axes_.push_back(window_axis(window, i, dims[i + 2]));
      results_ *= axes_.back().results;
      elements_ *= axes_.back().size;
    }
  }

  /// Of a place, to each group.
  std::int64_t inputs() const { return channels_ / window_.groups * taps_; }
  /// Of one picture.
  std::int64_t results() const { return results_; }

  /// Appends what place `result` of picture n sees.
  void append(std::int64_t n, std::int64_t result, std::span<std::vector<float>> columns) const {
    std::vector<std::int64_t> place(axes_.size());
    for (std::size_t i = axes_.size(); i-- > 0; result /= axes_[i].results)
      place[i] = result % axes_[i].results;
    const std::int64_t in_group = channels_ / window_.groups;
    std::vector<std::int64_t> offsets;  // of the taps; -1: beyond the border
    for (std::int64_t tap = 0; tap < taps_; ++tap) offsets.push_back(offset_of(tap, place));
    for (std::int64_t channel = 0; channel < channels_; ++channel) {
      std::vector<float>& column = columns[static_cast<std::size_t>(channel / in_group)];
      const auto from = static_cast<std::size_t>((n * channels_ + channel) * elements_);
      for (const std::int64_t offset : offsets)
        column.push_back(offset < 0 ? 0.0F : x_[from + static_cast<std::size_t>(offset)]);
    }
  }

 private:
  std::int64_t offset_of(std::int64_t tap, const std::vector<std::int64_t>& place) const {
    std::int64_t offset = 0, step = 1;
    for (std::size_t i = axes_.size(); i-- > 0; tap /= window_.kernel[i]) {
      const std::int64_t at =
          place[i] * window_.strides[i] - axes_[i].begin + tap % window_.kernel[i] * window_.dilations[i];
      if (at < 0 || at >= axes_[i].size) return -1;
      offset += at * step;
      step *= axes_[i].size;
    }
    return offset;
  }

  const LayerWindow& window_;
  std::span<const float> x_;
  std::int64_t channels_, taps_;
  std::int64_t results_ = 1, elements_ = 1;
  std::vector<WindowAxis> axes_;
};

}  // namespace

void append_layer_columns(const LayerWindow& window, std::span<const float> x,
                          std::span<const std::int64_t> dims, std::size_t most,
                          std::span<std::vector<float>> columns) {
  if (x.empty() || dims.empty()) return;
  const auto evenly = [&](std::int64_t all, std::int64_t inputs, const auto& visit) {
    const std::int64_t count = std::min(all, static_cast<std::int64_t>(most));
    for (std::vector<float>& column : columns)
      column.reserve(column.size() + static_cast<std::size_t>(count * inputs));
    for (std::int64_t i = 0; i < count; ++i) visit(i * all / count);
  };
  if (!window.is_convolution) {
    const auto inputs = static_cast<std::size_t>(dims.back());
    evenly(static_cast<std::int64_t>(x.size() / inputs), dims.back(), [&](std::int64_t row) {
      const auto from = x.subspan(static_cast<std::size_t>(row) * inputs, inputs);
      columns.front().insert(columns.front().end(), from.begin(), from.end());
    });
    return;
  }
  if (dims.size() != window.kernel.size() + 2 || dims[1] % window.groups != 0) return;
  const Convolution convolution(window, x, dims);
  if (convolution.results() == 0) return;
  evenly(dims[0] * convolution.results(), convolution.inputs(), [&](std::int64_t place) {
    convolution.append(place / convolution.results(), place % convolution.results(), columns);
  });
}

}  // namespace qprep
