#include "passes/composite_ops.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "passes/fusion_matcher.h"

namespace qprep {
namespace {

/// How far a constant may be off a number of a pattern, relatively.
constexpr double kTolerance = 1.0 / 2048;
/// A larger constant is not looked at, whatever its numbers.
constexpr std::int64_t kMostElements = 4096;

bool is_close(double value, double wanted) {
  return std::abs(value - wanted) <= kTolerance * std::abs(wanted);
}

template <typename T>
bool all_close(const Tensor& tensor, double wanted) {
  for (std::int64_t i = 0; i < tensor.size(); ++i) {
    if (!is_close(static_cast<double>(tensor.at<T>(i)), wanted)) return false;
  }
  return true;
}

bool has_number(const Node& node, const CompositeOp::Number& number) {
  const auto* value = node.get<float>(number.attribute);
  if (value) return is_close(static_cast<double>(*value), number.is);
  return number.otherwise && !node.attribute(number.attribute) && is_close(*number.otherwise, number.is);
}

bool has_bounds(const Node& clip, const CompositeOp& op) {
  if (!op.min && !op.max) return true;
  const auto bounds = clip_bounds(clip);
  return bounds && (!op.min || bounds->first == *op.min) && (!op.max || bounds->second == *op.max);
}

bool has_axes(const Node& node, const CompositeOp& op) {
  if (op.axes == ReducedAxes::kUnasked) return true;
  const auto axes = axes_of_reduction(node);
  if (!axes || !are_as_asked(*axes, op.axes)) return false;
  return !op.keeps_axes || *op.keeps_axes == (node.int_or("keepdims", 1) != 0);
}

/// Those along which the constant has more than one element, counted from the last one, -1.
std::vector<std::int64_t> varying_axes(const Tensor& tensor) {
  std::vector<std::int64_t> axes;
  const auto rank = static_cast<std::int64_t>(tensor.dims().size());
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    if (tensor.dims()[static_cast<std::size_t>(axis)] != 1) axes.push_back(axis - rank);
  }
  return axes;
}

bool contains(const std::vector<std::int64_t>& axes, std::int64_t axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

}  // namespace

const CompositeOp* op_of(const Node& node, const CompositeStep& step) {
  for (const CompositeOp& op : step.any_of) {
    if (!node.is(op.op)) continue;
    const bool fits =
        has_bounds(node, op) && has_axes(node, op) &&
        std::all_of(op.numbers.begin(), op.numbers.end(),
                    [&](const CompositeOp::Number& number) { return has_number(node, number); });
    if (fits) return &op;
  }
  return nullptr;
}

bool names_op(const Node& node, const CompositeStep& step) {
  return std::any_of(step.any_of.begin(), step.any_of.end(),
                     [&](const CompositeOp& op) { return node.is(op.op); });
}

bool is_number(const Tensor& tensor, double wanted) {
  if (tensor.size() < 1 || tensor.size() > kMostElements) return false;
  switch (tensor.dtype()) {
    case DType::kFloat32:
      return all_close<float>(tensor, wanted);
    case DType::kFloat64:
      return all_close<double>(tensor, wanted);
    case DType::kInt32:
      return all_close<std::int32_t>(tensor, wanted);
    case DType::kInt64:
      return all_close<std::int64_t>(tensor, wanted);
    default:
      return false;
  }
}

bool varies_along(const Tensor& tensor, const AxesOfReduction& reduction) {
  const std::vector<std::int64_t> axes = varying_axes(tensor);
  return std::all_of(axes.begin(), axes.end(),
                     [&](std::int64_t axis) { return contains(reduction.axes, axis); });
}

bool varies_along_channels(const Tensor& tensor, std::optional<std::size_t> rank,
                           const std::optional<AxesOfReduction>& reduction) {
  const std::vector<std::int64_t> axes = varying_axes(tensor);
  if (axes.empty()) return true;
  if (axes.size() > 1 || (reduction && contains(reduction->axes, axes.front()))) return false;
  return !rank || axes.front() > -static_cast<std::int64_t>(*rank);
}

std::optional<std::size_t> handed_on(const Node& node) {
  if (node.input_count() == 0 || !node.input(0)) return std::nullopt;
  if (node.is("Identity")) return 0;
  const Type& from = node.input(0)->type();
  const Type& to = node.output(0).type();
  const bool rounds = node.is("Cast") && from.kind == Type::Kind::kTensor && is_floating(from.dtype) &&
                      to.kind == Type::Kind::kTensor && is_floating(to.dtype);
  return rounds ? std::optional<std::size_t>(0) : std::nullopt;
}

std::optional<std::size_t> looked_through(const Node& node, const CompositeStep& step,
                                          const OpTraits& traits) {
  if (!op_of(node, step)) return std::nullopt;
  std::optional<std::size_t> data;
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    if (!node.input(i) || !traits.is_data(i)) continue;
    const Tensor* tensor = constant_of(*node.input(i));
    if (tensor && tensor->size() == 1) continue;
    if (tensor || data) return std::nullopt;
    data = i;
  }
  return data && (*data == 0 || step.commutative) ? data : std::nullopt;
}

bool is_scale_as_conv(const Node& node) {
  if (!node.is("Conv") || node.input_count() != 2 || !node.input(1)) return false;
  const Tensor* weight = constant_of(*node.input(1));
  if (!weight || weight->dtype() != DType::kFloat32 || weight->dims().size() < 2) return false;
  const Dims& dims = weight->dims();
  const bool depthwise =
      node.int_or("group", 1) == dims.front() &&
      std::all_of(dims.begin() + 1, dims.end(), [](std::int64_t size) { return size == 1; });
  const auto all_are = [&](std::string_view attribute, std::int64_t value) {
    const std::vector<std::int64_t> values = node.ints_or(attribute, {});
    return std::ranges::all_of(values, [&](std::int64_t each) { return each == value; });
  };
  if (!depthwise || !all_are("strides", 1) || !all_are("pads", 0)) return false;
  const std::vector<float> values = weight->to_vector<float>();
  return !values.empty() && std::ranges::all_of(values, [&](float each) { return each == values.front(); });
}

}  // namespace qprep
