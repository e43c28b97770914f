#include <utility>
#include <variant>

#include "passes/replacement_functions.h"

namespace qprep::replace {
namespace {

constexpr const char* kNoFloat32 = "its data is not float32";

/// The axes that Softmax and LogSoftmax normalise over. Below operator set 13, all from the axis on; those of
/// size 1 change nothing and are left out.
std::variant<std::vector<std::int64_t>, Replaced> softmax_axes(const Replacing& at) {
  const std::optional<Shape>& shape = at.type(0).shape;
  const bool together = at.opset() < 13;
  const std::int64_t axis = at.node().int_or("axis", together ? 1 : -1);
  if (!shape) return Replaced::unknown("the rank of what it reads is not known");
  const auto first = axis_of(axis, shape->size());
  if (!first) return Replaced::no("its axis is none of what it reads");
  std::vector<std::int64_t> axes;
  for (std::size_t i = *first; i < (together ? shape->size() : *first + 1); ++i) {
    const bool is_one = (*shape)[i].size == 1;
    if (!is_one) axes.push_back(static_cast<std::int64_t>(i));
  }
  if (axes.empty()) axes.push_back(static_cast<std::int64_t>(*first));
  return axes;
}

/// |x| or x * x, and the sum of these over the axes of the node.
Replaced reduce(Replacing& at, std::string_view first, bool squares) {
  const auto axes = at.ints("axes", 18, 1);
  const bool gives = at.gives("axes", 18, 1);
  if (gives && !axes) return Replaced::no("its axes are computed");
  if (!at.is_float32(0)) return Replaced::no(kNoFloat32);
  if (!gives && at.node().int_or("noop_with_empty_axes", 0) != 0) return Replaced::no("it reduces nothing");
  if (axes && axes->empty()) return Replaced::no("its axes are empty");
  const auto rank = at.type(0).rank();
  if (!axes && !rank) return Replaced::unknown("the rank of what it reads is not known");
  std::vector<std::int64_t> over = axes.value_or(std::vector<std::int64_t>());
  for (std::size_t i = 0; !axes && i < *rank; ++i) over.push_back(static_cast<std::int64_t>(i));
  if (over.empty()) return Replaced::no("it reduces nothing");

  if (at.asks()) return Replaced::yes();
  const std::int64_t keeps = at.node().int_or("keepdims", 1);
  Value& x = *at.node().input(0);
  Value& part = squares ? at.before(first, {&x, &x}, "squares") : at.before(first, {&x}, "magnitudes");
  const Type result = at.output_type();
  if (squares) {
    Value& sum = at.reduced("ReduceSum", part, over, "sum");
    sum.producer()->set_attribute("keepdims", keeps);
    sum.set_type(result);
    at.become("Sqrt", {&sum});
    return Replaced::yes();
  }
  at.become_reduced("ReduceSum", part, over, keeps);
  return Replaced::yes();
}

/// What a softmax and its logarithm begin with: x less its largest element, the exponentials, and their sum.
struct Exponentials {
  Value *below, *powers, *sum;
};

/// Result: they stand before the node; or why they cannot.
std::variant<Exponentials, Replaced> exponentials(Replacing& at) {
  if (!at.is_float32(0)) return Replaced::no(kNoFloat32);
  const auto found = softmax_axes(at);
  if (const auto* refused = std::get_if<Replaced>(&found)) return *refused;
  if (at.asks()) return Replaced::yes();
  const auto& axes = std::get<std::vector<std::int64_t>>(found);
  Value& x = *at.node().input(0);
  Value& largest = at.reduced("ReduceMax", x, axes, "max");
  Value& below = at.before("Sub", {&x, &largest}, "sub");
  Value& powers = at.before("Exp", {&below}, "exp");
  Value& sum = at.reduced("ReduceSum", powers, axes, "sum");
  return Exponentials{&below, &powers, &sum};
}

}  // namespace

Replaced softmax_to_parts(Replacing& at) {
  auto made = exponentials(at);
  if (auto* refused = std::get_if<Replaced>(&made)) return std::move(*refused);
  const Exponentials& parts = std::get<Exponentials>(made);
  Value& inverse = at.before("Reciprocal", {parts.sum}, "reciprocal");
  at.become("Mul", {parts.powers, &inverse});
  return Replaced::yes();
}

Replaced log_softmax_to_parts(Replacing& at) {
  auto made = exponentials(at);
  if (auto* refused = std::get_if<Replaced>(&made)) return std::move(*refused);
  const Exponentials& parts = std::get<Exponentials>(made);
  Value& log = at.before("Log", {parts.sum}, "log");
  at.become("Sub", {parts.below, &log});
  return Replaced::yes();
}

Replaced reduce_l1_to_parts(Replacing& at) { return reduce(at, "Abs", false); }

Replaced reduce_l2_to_parts(Replacing& at) { return reduce(at, "Mul", true); }

}  // namespace qprep::replace
