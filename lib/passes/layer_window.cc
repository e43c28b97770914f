#include "passes/layer_window.h"

#include <algorithm>

namespace qprep {
namespace {

std::vector<std::int64_t> ints_or(const Node& node, const char* name, std::size_t count, std::int64_t usual) {
  std::vector<std::int64_t> ints = node.ints_or(name, {});
  if (ints.empty()) ints.assign(count, usual);
  return ints;
}

/// Of the elements of an axis of the output, the share that sees the input with tap t.
double share_of(const LayerWindow& window, std::size_t i, const WindowAxis& axis, std::int64_t tap) {
  std::int64_t inside = 0;
  for (std::int64_t result = 0; result < axis.results; ++result) {
    const std::int64_t at = result * window.strides[i] + tap * window.dilations[i] - axis.begin;
    inside += at >= 0 && at < axis.size ? 1 : 0;
  }
  return static_cast<double>(inside) / static_cast<double>(axis.results);
}

}  // namespace

std::optional<LayerWindow> window_of(const Node& node, const Dims& weight) {
  LayerWindow window;
  if (node.is("MatMul") || (node.is("Gemm") && node.int_or("transA", 0) == 0))
    return weight.size() == 2 ? std::optional(window) : std::nullopt;
  if (!node.is("Conv") || weight.size() < 3) return std::nullopt;
  const std::size_t axes = weight.size() - 2;
  window.is_convolution = true;
  window.kernel.assign(weight.begin() + 2, weight.end());
  window.strides = ints_or(node, "strides", axes, 1);
  window.dilations = ints_or(node, "dilations", axes, 1);
  window.pads = ints_or(node, "pads", 2 * axes, 0);
  window.auto_pad = node.string_or("auto_pad", "NOTSET");
  window.groups = node.int_or("group", 1);
  const bool fits = window.strides.size() == axes && window.dilations.size() == axes &&
                    window.pads.size() == 2 * axes && window.groups >= 1 && weight[0] % window.groups == 0;
  return fits ? std::optional(std::move(window)) : std::nullopt;
}

WindowAxis window_axis(const LayerWindow& window, std::size_t i, std::int64_t size) {
  const std::int64_t stride = window.strides[i];
  const std::int64_t reach = (window.kernel[i] - 1) * window.dilations[i] + 1;
  if (window.auto_pad == "SAME_UPPER" || window.auto_pad == "SAME_LOWER") {
    const std::int64_t results = (size + stride - 1) / stride;
    const std::int64_t pads = std::max<std::int64_t>(0, (results - 1) * stride + reach - size);
    return {size, results, window.auto_pad == "SAME_UPPER" ? pads / 2 : pads - pads / 2};
  }
  const bool given = window.auto_pad == "NOTSET";
  const std::int64_t begin = given ? window.pads[i] : 0;
  const std::int64_t end = given ? window.pads[window.kernel.size() + i] : 0;
  return {size, std::max<std::int64_t>(0, (size + begin + end - reach) / stride + 1), begin};
}

std::vector<double> tap_shares(const LayerWindow& window, std::span<const std::int64_t> sizes) {
  std::vector<double> shares = {1.0};
  for (std::size_t i = 0; i < window.kernel.size(); ++i) {
    const WindowAxis axis = window_axis(window, i, sizes[i]);
    std::vector<double> with_axis;
    for (const double outer : shares) {
      for (std::int64_t tap = 0; tap < window.kernel[i]; ++tap)
        with_axis.push_back(outer * share_of(window, i, axis, tap));
    }
    shares = std::move(with_axis);
  }
  return shares;
}

}  // namespace qprep
