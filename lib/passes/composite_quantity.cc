#include "passes/composite_quantity.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <vector>

namespace qprep {
namespace {

using Kind = CompositeNumber::Kind;

constexpr double kTolerance = 1e-5;

const CompositeOperand* operand_named(const std::string& name, const CompositeMatch& match) {
  const auto& scope = match.pattern->scope;
  const auto at =
      std::lower_bound(scope.begin(), scope.end(), name,
                       [](const auto& entry, const std::string& wanted) { return entry.first < wanted; });
  return at != scope.end() && at->first == name ? &at->second : nullptr;
}

/// The value that the name stands for, if it is data, a result or a constant that the nodes read.
const Value* value_named(const std::string& name, const CompositeMatch& match) {
  const CompositeOperand* operand = operand_named(name, match);
  if (!operand) return nullptr;
  if (operand->kind == CompositeOperand::Kind::kResult) return &match.by_step[operand->step]->output(0);
  if (operand->kind == CompositeOperand::Kind::kNumber) return nullptr;
  return match.names[operand->name];
}

std::optional<Quantity> size_of(const Value& value, std::int64_t index) {
  const auto& shape = value.type().shape;
  if (!shape || index < 0 || index >= std::ssize(*shape)) return std::nullopt;
  const Dim& dim = (*shape)[static_cast<std::size_t>(index)];
  if (dim.known()) return static_cast<double>(dim.size);
  return dim.symbol.empty() ? std::nullopt : std::optional<Quantity>(dim.symbol);
}

std::optional<Quantity> shape_of(const Value& value) {
  const auto& shape = value.type().shape;
  if (!shape) return std::nullopt;
  const bool known = std::all_of(shape->begin(), shape->end(),
                                 [](const Dim& dim) { return dim.known() || !dim.symbol.empty(); });
  return known ? std::optional<Quantity>(to_text(value.type())) : std::nullopt;
}

std::optional<Quantity> attribute_of(const Value& result, const CompositeNumber::Step& step) {
  const Node* node = result.producer();
  if (!node) return std::nullopt;
  if (const auto* value = node->get<float>(step.attribute)) return static_cast<double>(*value);
  if (const auto* value = node->get<std::int64_t>(step.attribute)) return static_cast<double>(*value);
  if (node->attribute(step.attribute) || std::isnan(step.number)) return std::nullopt;
  return step.number;
}

std::optional<Quantity> count_of(const CompositeMatch& match) {
  if (!match.axes || match.operands.empty()) return std::nullopt;
  const auto& shape = match.operands.front()->type().shape;
  if (!shape || (match.axes->rank && *match.axes->rank != std::ssize(*shape))) return std::nullopt;
  double count = 1;
  for (const std::int64_t axis : match.axes->axes) {
    const std::int64_t at = axis < 0 ? axis + std::ssize(*shape) : axis;
    if (at < 0 || at >= std::ssize(*shape)) return std::nullopt;
    const Dim& dim = (*shape)[static_cast<std::size_t>(at)];
    if (!dim.known()) return std::nullopt;
    count *= static_cast<double>(dim.size);
  }
  return count;
}

std::optional<Quantity> last_axis_of(const CompositeMatch& match) {
  if (!match.axes) return std::nullopt;
  const std::vector<std::int64_t>& axes = match.axes->axes;
  if (axes.back() - axes.front() + 1 != std::ssize(axes)) return std::nullopt;
  return static_cast<double>(axes.back());
}

std::optional<Quantity> constant_quantity(const std::string& name, const CompositeMatch& match) {
  const Value* value = constant_named(name, match);
  if (!value) return 0.0;
  const auto number = number_everywhere(*constant_of(*value));
  return number ? std::optional<Quantity>(*number) : std::nullopt;
}

/// What one step puts on the stack.
std::optional<Quantity> pushed(const CompositeNumber::Step& step, const CompositeMatch& match) {
  if (step.kind == Kind::kNumber) return step.number;
  if (step.kind == Kind::kConstant) return constant_quantity(step.name, match);
  if (step.kind == Kind::kCount) return count_of(match);
  if (step.kind == Kind::kLastAxis) return last_axis_of(match);
  if (step.kind == Kind::kFirstAxis) {
    return match.axes ? std::optional<Quantity>(static_cast<double>(match.axes->axes.front())) : std::nullopt;
  }
  const Value* value = value_named(step.name, match);
  if (!value) return std::nullopt;
  if (step.kind == Kind::kDim) return size_of(*value, step.index);
  if (step.kind == Kind::kShape) return shape_of(*value);
  if (step.kind == Kind::kAttribute) return attribute_of(*value, step);
  const auto rank = value->type().rank();
  return rank ? std::optional<Quantity>(static_cast<double>(*rank)) : std::nullopt;
}

std::string to_text(const Quantity& quantity) {
  const auto* number = std::get_if<double>(&quantity);
  return number ? fmt::format("{:g}", *number) : std::get<std::string>(quantity);
}

/// What the step stands for, as the pattern calls it and as the model does; empty: for no more than it says.
std::string described(const CompositeNumber::Step& step, const CompositeMatch& match) {
  const Value* value = value_named(step.name, match);
  const std::string name = value ? fmt::format(" ('{}')", value->name()) : " (left out)";
  switch (step.kind) {
    case Kind::kConstant:
      return step.name + name;
    case Kind::kAttribute:
      return fmt::format("attribute {} of {}{}", step.attribute, step.name, name);
    case Kind::kDim:
      return fmt::format("{}[{}]{}", step.name, step.index, name);
    case Kind::kShape:
      return fmt::format("shape({}){}", step.name, name);
    case Kind::kRank:
      return fmt::format("rank({}){}", step.name, name);
    case Kind::kFirstAxis:
      return "axis, the first that is reduced,";
    case Kind::kLastAxis:
      return "last, the last axis that is reduced,";
    case Kind::kCount:
      return "count, how many elements are reduced,";
    default:
      return "";
  }
}

double computed(Kind kind, double a, double b) {
  switch (kind) {
    case Kind::kAdd:
      return a + b;
    case Kind::kSubtract:
      return a - b;
    case Kind::kMultiply:
      return a * b;
    default:
      return a / b;
  }
}

bool is_binary(Kind kind) {
  return kind == Kind::kAdd || kind == Kind::kSubtract || kind == Kind::kMultiply || kind == Kind::kDivide;
}

}  // namespace

std::string quantities_of(const CompositeCondition& condition, const CompositeMatch& match) {
  std::vector<std::string> parts;
  for (const CompositeNumber* side : {&condition.left, &condition.right}) {
    for (const CompositeNumber::Step& step : side->steps) {
      const std::string what = described(step, match);
      if (what.empty()) continue;
      const auto quantity = pushed(step, match);
      std::string part = fmt::format("{} is {}", what, quantity ? to_text(*quantity) : "not known");
      if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(std::move(part));
    }
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::optional<Quantity> quantity_of(const CompositeNumber& number, const CompositeMatch& match) {
  std::vector<Quantity> stack;
  for (const CompositeNumber::Step& step : number.steps) {
    const bool unary = step.kind == Kind::kSqrt || step.kind == Kind::kNegative;
    if (!unary && !is_binary(step.kind)) {
      auto quantity = pushed(step, match);
      if (!quantity) return std::nullopt;
      stack.push_back(std::move(*quantity));
      continue;
    }
    const auto* right = std::get_if<double>(&stack.back());
    if (!right) return std::nullopt;
    const double b = *right;
    if (!unary) stack.pop_back();
    const auto* left = std::get_if<double>(&stack.back());
    if (!left) return std::nullopt;
    stack.back() = step.kind == Kind::kSqrt       ? std::sqrt(b)
                   : step.kind == Kind::kNegative ? -b
                                                  : computed(step.kind, *left, b);
  }
  return std::move(stack.back());
}

std::optional<double> number_of(const CompositeNumber& number, const CompositeMatch& match) {
  const auto quantity = quantity_of(number, match);
  const auto* found = quantity ? std::get_if<double>(&*quantity) : nullptr;
  return found && std::isfinite(*found) ? std::optional(*found) : std::nullopt;
}

bool holds(const CompositeCondition& condition, const CompositeMatch& match) {
  const auto left = quantity_of(condition.left, match);
  const auto right = quantity_of(condition.right, match);
  if (!left || !right) return false;
  const auto* a = std::get_if<double>(&*left);
  const auto* b = std::get_if<double>(&*right);
  if (!a || !b) return condition.kind == CompositeCondition::Kind::kEqual && *left == *right;
  switch (condition.kind) {
    case CompositeCondition::Kind::kEqual:
      return std::abs(*a - *b) <= kTolerance * std::max(std::abs(*a), std::abs(*b));
    case CompositeCondition::Kind::kAtMost:
      return *a <= *b;
    case CompositeCondition::Kind::kAtLeast:
      return *a >= *b;
  }
  return false;
}

const Value* constant_named(const std::string& name, const CompositeMatch& match) {
  const Value* value = value_named(name, match);
  return value && constant_of(*value) ? value : nullptr;
}

std::optional<double> number_everywhere(const Tensor& tensor) {
  const auto same = [&tensor](auto first) -> std::optional<double> {
    for (std::int64_t i = 1; i < tensor.size(); ++i) {
      if (tensor.at<decltype(first)>(i) != first) return std::nullopt;
    }
    return static_cast<double>(first);
  };
  if (tensor.size() < 1) return std::nullopt;
  if (tensor.dtype() == DType::kFloat32) return same(tensor.at<float>(0));
  if (tensor.dtype() == DType::kFloat64) return same(tensor.at<double>(0));
  if (tensor.dtype() == DType::kInt64) return same(tensor.at<std::int64_t>(0));
  if (tensor.dtype() == DType::kInt32) return same(tensor.at<std::int32_t>(0));
  return std::nullopt;
}

}  // namespace qprep
