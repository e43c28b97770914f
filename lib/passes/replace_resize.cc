#include "passes/replacement_functions.h"

namespace qprep::replace {
namespace {

/// The factor by which ONNX Runtime scales coordinates where it is given sizes, if the same factor, given
/// instead of the sizes, makes as many elements: floor(size * factor), which ONNX Runtime computes in float32
/// and ONNX's shape inference in float64.
std::optional<float> factor_of(std::int64_t from, std::int64_t to) {
  if (from <= 0 || to <= 0) return std::nullopt;
  const float factor = static_cast<float>(to) / static_cast<float>(from);
  const float made = static_cast<float>(from) * factor;
  const double inferred = static_cast<double>(from) * static_cast<double>(factor);
  const bool same = static_cast<std::int64_t>(made) == to && static_cast<std::int64_t>(inferred) == to;
  return same ? std::optional(factor) : std::nullopt;
}

}  // namespace

Replaced interpolate(Replacing& at) {
  const Node& node = at.node();
  if (node.is("Upsample")) {
    return at.gives("scales", 9, 1) && (at.opset() < 9 || at.constant(1))
               ? Replaced::other()
               : Replaced::no("its scales are computed, and its operator set has no Resize");
  }
  if (at.opset() < 11) {
    return at.constant(1) ? Replaced::other() : Replaced::no("its scales are computed");
  }
  if (const Tensor* scales = at.constant(2); scales && scales->size() > 0) return Replaced::other();
  if (!node.input(3)) return Replaced::no("its scales are computed");
  const std::optional<Shape>& shape = at.type(0).shape;
  if (!shape) return Replaced::unknown("the rank of what it reads is not known");
  if (node.string_or("keep_aspect_ratio_policy", "stretch") != "stretch") {
    return Replaced::no("its sizes are bounds that keep the aspect ratio");
  }
  if (node.string_or("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize") {
    return Replaced::no("it crops");
  }
  std::vector<std::int64_t> all(shape->size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i);
  std::vector<std::int64_t> axes = node.ints_or("axes", all);
  const auto sizes = at.ints("", 0, 3);
  const std::optional<Shape>& result = at.output_type().shape;
  std::vector<float> factors;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = axis_of(axes[i], shape->size());
    if (!axis) return Replaced::no("its axes are none of what it reads");
    const Dim from = (*shape)[*axis];
    Dim to = sizes && sizes->size() == axes.size() ? Dim{(*sizes)[i], ""} : Dim{};
    if (!to.known() && result && result->size() == shape->size()) to = (*result)[*axis];
    const bool same_symbol = !from.known() && !from.symbol.empty() && from.symbol == to.symbol;
    if (same_symbol) {
      factors.push_back(1.0F);
      continue;
    }
    if (!from.known() || !to.known()) return Replaced::unknown("sizes before or behind it are not known");
    const auto factor = factor_of(from.size, to.size);
    if (!factor) {
      return Replaced::no("no scale makes " + std::to_string(to.size) + " of " + std::to_string(from.size) +
                          " elements exactly");
    }
    factors.push_back(*factor);
  }
  if (at.asks()) return Replaced::yes();
  if (sizes) at.took(3);
  const auto count = static_cast<std::int64_t>(factors.size());
  at.set_last_input(2, at.constant("scales", Tensor::floats({count}, std::move(factors))));
  return Replaced::yes();
}

}  // namespace qprep::replace
