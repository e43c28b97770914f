#include <algorithm>

#include "passes/replacement_functions.h"

namespace qprep::replace {
namespace {

constexpr const char* kNoFloat32 = "its data is not float32";
constexpr const char* kNoRank = "the rank of what it reads is not known";

std::vector<std::int64_t> axes_from(std::size_t first, std::size_t rank) {
  std::vector<std::int64_t> axes;
  for (std::size_t i = first; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  return axes;
}

/// x / sqrt(mean(x * x) + epsilon), means over the axes.
Value& over_root_mean_square(Replacing& at, Value& x, const std::vector<std::int64_t>& axes, float epsilon) {
  Value& squares = at.before("Mul", {&x, &x}, "squares");
  Value& variance = at.reduced("ReduceMean", squares, axes, "variance");
  Value& moved = at.before("Add", {&variance, &at.constant("epsilon", Tensor::scalar(epsilon))}, "moved");
  Value& root = at.before("Sqrt", {&moved}, "sqrt");
  Value& inverse = at.before("Reciprocal", {&root}, "reciprocal");
  return at.before("Mul", {&x, &inverse}, "normalised");
}

/// (x - mean(x)) / sqrt(variance(x) + epsilon), over the axes.
Value& normalised(Replacing& at, Value& x, const std::vector<std::int64_t>& axes, float epsilon) {
  Value& mean = at.reduced("ReduceMean", x, axes, "mean");
  return over_root_mean_square(at, at.before("Sub", {&x, &mean}, "centred"), axes, epsilon);
}

bool is_float32(const Tensor* tensor) { return tensor && tensor->dtype() == DType::kFloat32; }

/// One number for each channel, spread over `after` axes behind it.
Tensor over_channels(const Tensor& tensor, std::size_t after) {
  Dims dims = {tensor.size()};
  dims.insert(dims.end(), after, 1);
  return Tensor(tensor.dtype(), std::move(dims), tensor.bytes(), tensor.owner());
}

}  // namespace

Replaced layer_norm_to_parts(Replacing& at) {
  const Node& node = at.node();
  if (!at.is_float32(0) || !at.is_float32(1)) return Replaced::no(kNoFloat32);
  const auto rank = at.type(0).rank();
  if (!rank) return Replaced::unknown(kNoRank);
  const auto first = axis_of(node.int_or("axis", -1), *rank);
  if (!first) return Replaced::no("its axis is none of what it reads");
  if (at.asks()) return Replaced::yes();
  const float epsilon = node.float_or("epsilon", 1e-5F);
  Value* scale = node.input(1);
  Value* shift = node.input(2);
  Value& unit = normalised(at, *node.input(0), axes_from(*first, *rank), epsilon);
  if (!shift) {
    at.become("Mul", {&unit, scale});
  } else {
    at.become("Add", {&at.before("Mul", {&unit, scale}, "scaled"), shift});
  }
  at.truncate_outputs();
  return Replaced::yes();
}

Replaced rms_norm_to_parts(Replacing& at) {
  const Node& node = at.node();
  if (!at.is_float32(0) || !at.is_float32(1)) return Replaced::no(kNoFloat32);
  const auto rank = at.type(0).rank();
  if (!rank) return Replaced::unknown(kNoRank);
  const auto first = axis_of(node.int_or("axis", -1), *rank);
  if (!first) return Replaced::no("its axis is none of what it reads");
  if (at.asks()) return Replaced::yes();
  const float epsilon = node.float_or("epsilon", 1e-5F);
  Value* scale = node.input(1);
  Value& unit = over_root_mean_square(at, *node.input(0), axes_from(*first, *rank), epsilon);
  at.become("Mul", {&unit, scale});
  return Replaced::yes();
}

Replaced instance_norm_to_parts(Replacing& at) {
  const Node& node = at.node();
  if (!at.is_float32(0)) return Replaced::no(kNoFloat32);
  const auto rank = at.type(0).rank();
  if (!rank) return Replaced::unknown(kNoRank);
  if (*rank < 3) return Replaced::no("its data has no height and width");
  const Tensor* scale = at.constant(1);
  const Tensor* shift = at.constant(2);
  if (!is_float32(scale) || !is_float32(shift))
    return Replaced::no("its scale and B are not constant float32");
  if (at.asks()) return Replaced::yes();
  const float epsilon = node.float_or("epsilon", 1e-5F);
  at.took(1);
  at.took(2);
  Value& by = at.constant("scale", over_channels(*scale, *rank - 2));
  Value& plus = at.constant("shift", over_channels(*shift, *rank - 2));
  Value& unit = normalised(at, *node.input(0), axes_from(2, *rank), epsilon);
  at.become("Add", {&at.before("Mul", {&unit, &by}, "scaled"), &plus});
  return Replaced::yes();
}

Replaced group_norm_to_parts(Replacing& at) {
  const Node& node = at.node();
  if (!at.is_float32(0)) return Replaced::no(kNoFloat32);
  const std::optional<Shape> shape = at.type(0).shape;
  if (!shape) return Replaced::unknown(kNoRank);
  const Tensor* scale = at.constant(1);
  const Tensor* shift = at.constant(2);
  if (!is_float32(scale) || !is_float32(shift))
    return Replaced::no("its scale and bias are not constant float32");
  const std::int64_t groups = node.int_or("num_groups", 0);
  std::vector<std::optional<std::size_t>> same;
  for (std::size_t i = 0; i < shape->size(); ++i) same.emplace_back(i);
  const auto back = reshape_target(*shape, {same.begin(), same.end()});
  const bool has_sizes =
      shape->size() >= 3 && groups > 0 &&
      std::all_of(shape->begin() + 1, shape->end(), [](const Dim& dim) { return dim.size > 0; });
  if (!has_sizes || !back) return Replaced::unknown("sizes of what it reads are not known");
  if (at.asks()) return Replaced::yes();
  const float epsilon = node.float_or("epsilon", 1e-5F);
  const bool by_groups = at.opset() < 21;  // one scale for each group
  std::int64_t inside = 1;
  for (std::size_t i = 1; i < shape->size(); ++i) inside *= (*shape)[i].size;
  at.took(1);
  at.took(2);
  const std::size_t after = by_groups ? 1 : shape->size() - 2;
  Value& by = at.constant("scale", over_channels(*scale, after));
  Value& plus = at.constant("shift", over_channels(*shift, after));
  const Shape grouped = {shape->front(), {groups, ""}, {inside / groups, ""}};
  Value& apart = at.reshaped(*node.input(0), {0, groups, inside / groups}, grouped, "groups", false);
  Value& unit = normalised(at, apart, {2}, epsilon);
  if (by_groups) {
    Value& scaled = at.before("Mul", {&unit, &by}, "scaled");
    at.become_reshape(at.before("Add", {&scaled, &plus}, "shifted"), *back);
  } else {
    Value& together = at.reshaped(unit, *back, *shape, "channels");
    at.become("Add", {&at.before("Mul", {&together, &by}, "scaled"), &plus});
  }
  return Replaced::yes();
}

}  // namespace qprep::replace
