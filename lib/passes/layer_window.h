#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace qprep {

/// Which numbers of its data a layer multiplies with one row of its weight.
struct LayerWindow {
  bool is_convolution = false;  // else all along the last axis
  std::vector<std::int64_t> kernel, strides, dilations;
  std::vector<std::int64_t> pads;  // at the beginnings of the axes, then at their ends
  std::string auto_pad;            // "NOTSET": as `pads` says
  std::int64_t groups = 1;
};

/// Of a Conv, Gemm or MatMul with a weight of these dimensions; nullopt: of another node, of a Gemm that
/// transposes its data, or of attributes that do not fit the weight.
std::optional<LayerWindow> window_of(const Node& node, const Dims& weight);

/// How an axis of a convolution's output lies over its input: element i of the output sees with tap t element
/// i * stride + t * dilation - begin, which is 0 where there is none.
struct WindowAxis {
  std::int64_t size = 0, results = 0;  // of the input, of the output
  std::int64_t begin = 0;              // the pad before the first element
};

/// Axis i behind batch and channels, of `size` elements.
WindowAxis window_axis(const LayerWindow& window, std::size_t i, std::int64_t size);

/// For each tap of a convolution's kernel, in the order of the weight, the share of the output's elements at
/// which it sees the input and not its pads. `sizes`: of the axes behind batch and channels. Given: the
/// output has elements.
std::vector<double> tap_shares(const LayerWindow& window, std::span<const std::int64_t> sizes);

}  // namespace qprep
