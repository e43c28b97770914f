#include <algorithm>

#include "passes/evaluate_ops.h"
#include "passes/replacement_functions.h"

namespace qprep::replace {
namespace {

constexpr std::size_t kFour = 4;
const Dim kOne = {1, ""};

/// With axes of size 1 behind or in front, and where each of the sizes was before.
struct Widened {
  Shape shape;
  std::vector<std::optional<std::size_t>> source;
};

Widened widened(const Shape& shape) {
  Widened wide{shape, {}};
  for (std::size_t i = 0; i < kFour; ++i)
    wide.source.push_back(i < shape.size() ? std::optional(i) : std::nullopt);
  wide.shape.resize(kFour, kOne);
  return wide;
}

Widened widened_in_front(const Shape& shape) {
  Widened wide{Shape(kFour - shape.size(), kOne), {}};
  wide.shape.insert(wide.shape.end(), shape.begin(), shape.end());
  wide.source.resize(kFour - shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) wide.source.emplace_back(i);
  return wide;
}

/// The target of the Reshape that takes the axes in front away again.
std::optional<std::vector<std::int64_t>> target_behind_front(const Shape& shape) {
  std::vector<std::optional<std::size_t>> source;
  for (std::size_t i = 0; i < shape.size(); ++i) source.emplace_back(kFour - shape.size() + i);
  return reshape_target(shape, source);
}

/// What a node of float32 of rank 2 or 3 has to know to compute over four axes; `no`: why it does not.
struct FourAxes {
  std::optional<Replaced> no = {};
  std::size_t axis = 0;  // of the node, counted from the front
  Widened result = {};
  std::vector<std::int64_t> back = {};  // the target of the Reshape behind it
};

FourAxes four_axes(Replacing& at, std::int64_t usual_axis) {
  FourAxes found;
  const std::optional<Shape>& shape = at.output_type().shape;
  if (!at.is_float32(0)) return {.no = Replaced::other()};
  if (!shape) return {.no = Replaced::unknown("the rank of its result is not known")};
  if (shape->size() < 2 || shape->size() >= kFour) return {.no = Replaced::other()};
  const auto axis = axis_of(at.node().int_or("axis", usual_axis), shape->size());
  if (!axis) return {.no = Replaced::other()};
  const auto back = reshape_target(*shape, widened(*shape).source);
  if (!back) return {.no = Replaced::unknown("more sizes of its result are unknown than a Reshape infers")};
  found.axis = *axis;
  found.result = widened(*shape);
  found.back = *back;
  return found;
}

}  // namespace

Replaced concat_to_four_axes(Replacing& at) {
  Node& node = at.node();
  const FourAxes four = four_axes(at, 0);
  if (four.no) return *four.no;
  std::vector<std::vector<std::int64_t>> targets;
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    const std::optional<Shape>& shape = at.type(i).shape;
    if (!shape) return Replaced::unknown("the rank of what it reads is not known");
    const Widened wide = widened(*shape);
    const auto target = reshape_target(wide.shape, wide.source);
    if (!target) return Replaced::unknown("more sizes of what it reads are unknown than a Reshape infers");
    targets.push_back(*target);
  }
  if (at.asks()) return Replaced::yes();
  at.tell("joins over four axes, between Reshapes");
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    Value& x = *node.input(i);
    const Shape shape = widened(*x.type().shape).shape;
    if (const Tensor* constant = at.constant(i)) {
      Dims dims = constant->dims();
      dims.resize(kFour, 1);
      at.took(i);
      at.set_input(
          i, at.shared_constant(x, "rank4", "4d", [&] { return evaluation::with_dims(*constant, dims); }));
    } else {
      at.set_input(i, at.reshaped(x, targets[i], shape, "in" + std::to_string(i), false));
    }
  }
  node.set_attribute("axis", static_cast<std::int64_t>(four.axis));
  at.reshape_behind(node, Type::tensor(DType::kFloat32, four.result.shape), four.back, "4d");
  return Replaced::yes();
}

Replaced softmax_to_four_axes(Replacing& at) {
  Node& node = at.node();
  FourAxes four = four_axes(at, at.opset() < 13 ? 1 : -1);
  if (four.no) return *four.no;
  Value& x = *node.input(0);
  const Shape shape = *at.output_type().shape;
  // Up to operator set 12 it goes from its axis to the last one, and targets ask for the last one of four.
  if (at.opset() < 13 && four.axis + 1 == shape.size()) {
    const auto back = target_behind_front(shape);
    if (!back) return Replaced::unknown("more sizes of its result are unknown than a Reshape infers");
    four = {.axis = kFour - 1, .result = widened_in_front(shape), .back = *back};
  }
  const auto target = reshape_target(four.result.shape, four.result.source);
  if (!target) return Replaced::unknown("more sizes of what it reads are unknown than a Reshape infers");
  if (at.asks()) return Replaced::yes();
  at.tell("runs over four axes, between Reshapes");
  at.set_input(0, at.reshaped(x, *target, four.result.shape, "in", false));
  node.set_attribute("axis", static_cast<std::int64_t>(four.axis));
  at.reshape_behind(node, Type::tensor(DType::kFloat32, four.result.shape), four.back, "4d");
  return Replaced::yes();
}

Replaced mat_mul_to_one_rank(Replacing& at) {
  const Node& node = at.node();
  const Tensor* weight = at.constant(1);
  if (!weight || at.constant(0) || weight->dims().size() < 2) return Replaced::other();
  const std::optional<std::size_t> rank = at.type(0).rank();
  if (!rank) return Replaced::unknown("the rank of what it reads is not known");
  if (weight->dims().size() >= *rank) return Replaced::other();
  if (at.asks()) return Replaced::yes();
  Dims dims(*rank - weight->dims().size(), 1);
  dims.insert(dims.end(), weight->dims().begin(), weight->dims().end());
  at.took(1);
  Value& wide = at.shared_constant(*node.input(1), "rank" + std::to_string(*rank), "weight",
                                   [&] { return evaluation::with_dims(*weight, dims); });
  at.tell("has a constant of as many axes as its data");
  at.set_last_input(1, wide);
  return Replaced::yes();
}

Replaced reduce_to_kept_axes(Replacing& at) {
  Node& node = at.node();
  if (node.int_or("keepdims", 1) != 0) return Replaced::other();
  const std::int64_t since = node.is("ReduceSum") ? 13 : 18;
  const auto axes = at.ints("axes", since, 1);
  if (!axes) return at.gives("axes", since, 1) ? Replaced::no("its axes are computed") : Replaced::other();
  const Type data = at.type(0);
  if (!data.shape) return Replaced::unknown("the rank of what it reads is not known");
  const auto reduced = axes_of(*axes, data.shape->size());
  if (!reduced || reduced->empty()) return Replaced::other();
  Shape kept = *data.shape;
  Shape left;
  std::vector<std::optional<std::size_t>> source;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (std::ranges::find(*reduced, i) != reduced->end()) {
      kept[i] = {1, ""};
    } else {
      left.push_back(kept[i]);
      source.emplace_back(i);
    }
  }
  const auto target = reshape_target(left, source);
  if (!target) return Replaced::unknown("more sizes of its result are unknown than a Reshape infers");
  if (at.asks()) return Replaced::yes();
  at.tell("drops its axes by a Reshape behind it");
  node.set_attribute("keepdims", std::int64_t{1});
  at.reshape_behind(node, Type::tensor(data.dtype, kept), *target, "kept");
  return Replaced::yes();
}

}  // namespace qprep::replace
