#include "passes/composite_matcher.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <unordered_set>
#include <utility>

#include "passes/fusion_matcher.h"
#include "passes/reduced_axes.h"

namespace qprep {
namespace {

using Kind = CompositeOperand::Kind;

/// How far a constant may be off a number of a pattern, relatively: what rounding to float16 does.
constexpr double kTolerance = 1.0 / 2048;
/// A larger constant is not looked at, whatever its numbers.
constexpr std::int64_t kMostElements = 4096;
/// Statements that one pattern may try at one node; shared among the orders of commutative operands.
constexpr int kMostTries = 1000;
/// Nodes beside each other that hand on their input.
constexpr int kMostTransparent = 8;

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

/// The constant is that number, in every element.
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

bool is_float_or_unknown(const Value& value) {
  const Type& type = value.type();
  return type.kind != Type::Kind::kTensor || type.dtype == DType::kUndefined || is_floating(type.dtype);
}

/// Hands its input on, but for rounding. (drop-identity has removed the Dropouts that do.)
bool is_transparent(const Node& node) {
  if (!node.input(0)) return false;
  if (node.is("Identity")) return true;
  const Type& from = node.input(0)->type();
  const Type& to = node.output(0).type();
  return node.is("Cast") && from.kind == Type::Kind::kTensor && is_floating(from.dtype) &&
         to.kind == Type::Kind::kTensor && is_floating(to.dtype);
}

/// What the value is, before transparent nodes; these are appended to `through`, if given.
const Value& source_of(const Value& value, std::vector<const Node*>* through = nullptr) {
  const Value* source = &value;
  for (int i = 0; i < kMostTransparent; ++i) {
    if (!source->producer() || !is_transparent(*source->producer())) break;
    if (through) through->push_back(source->producer());
    source = source->producer()->input(0);
  }
  return *source;
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
  const bool keeps = node.int_or("keepdims", 1) != 0;
  return axes && are_as_asked(*axes, op.axes) && keeps == op.keeps_axes;
}

/// The operator of the step that the node is; null: none.
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

std::string key_of(const std::string& last, const std::string& before) {
  return before.empty() ? last : last + " " + before;
}

/// The operators that may make the first result that the last statement reads; "" if it reads none.
std::vector<std::string> ops_before_last(const CompositePattern& pattern) {
  const std::vector<CompositeOperand>& operands = pattern.steps.back().operands;
  const auto result = std::find_if(operands.begin(), operands.end(), [](const CompositeOperand& operand) {
    return operand.kind == Kind::kResult;
  });
  if (result == operands.end()) return {""};
  std::vector<std::string> ops;
  for (const CompositeOp& op : pattern.steps[result->step].any_of) ops.push_back(op.op);
  return ops;
}

}  // namespace

struct CompositeMatcher::Match {
  const CompositePattern* pattern;
  std::vector<const Node*> nodes;      // in graph order
  std::vector<const Value*> operands;  // as the nodes read them
};

/// A pattern, laid over the nodes that end in one.
class CompositeMatcher::Attempt {
 public:
  Attempt(const CompositePattern& pattern, const OpClasses& classes) : pattern_(pattern), classes_(classes) {}

  std::optional<Match> match(const Model& model, const Node& root) {
    const CompositeStep& last = pattern_.steps.back();
    if (!could_bind(root, last, {0, 1}) && !(last.commutative && could_bind(root, last, {1, 0}))) {
      return std::nullopt;
    }
    State state{std::vector<const Node*>(pattern_.steps.size()), std::vector<const Value*>(pattern_.names)};
    state.nodes.back() = &root;
    state.open.push_back(pattern_.steps.size() - 1);
    if (!solve(state)) return std::nullopt;
    return checked(model, root, state);
  }

 private:
  struct State {
    std::vector<const Node*> nodes;      // by step; null: not reached yet
    std::vector<const Value*> names;     // by CompositeOperand::name; null: not met yet
    std::vector<std::size_t> open = {};  // steps whose operands are to be looked at
    std::vector<const Node*> through = {};
    std::vector<const Value*> operands = {};
    std::optional<AxesOfReduction> axes = {};
  };
  /// The inputs that operands 0 and 1 stand at.
  using Order = std::array<std::size_t, 2>;

  bool solve(State& state) {
    while (!state.open.empty()) {
      if (--tries_ < 0) return false;
      const std::size_t at = state.open.back();
      state.open.pop_back();
      const CompositeStep& step = pattern_.steps[at];
      const Node& node = *state.nodes[at];
      if (!is_step(state, node, step)) return false;
      const bool straight = could_bind(node, step, {0, 1});
      const bool crossed = step.commutative && could_bind(node, step, {1, 0});
      if (straight && crossed) {
        State other = state;
        if (bind(other, node, step, {0, 1}) && solve(other)) {
          state = std::move(other);
          return true;
        }
      }
      if (!straight && !crossed) return false;
      if (!bind(state, node, step, crossed ? Order{1, 0} : Order{0, 1})) return false;
    }
    return true;
  }

  bool is_step(State& state, const Node& node, const CompositeStep& step) const {
    const CompositeOp* op = op_of(node, step);
    if (!op) return false;
    const OpTraits& traits = classes_.of(node);
    if (traits.op_class == OpClass::kFloat || traits.op_class == OpClass::kQuantised) return false;
    for (std::size_t i = step.operands.size(); i < node.input_count(); ++i) {
      if (node.input(i) && traits.is_data(i)) return false;
    }
    if (op->axes == ReducedAxes::kUnasked) return true;
    auto axes = axes_of_reduction(node);
    if (state.axes && state.axes != axes) return false;
    state.axes = std::move(axes);
    return true;
  }

  static std::size_t input_of(std::size_t operand, const Order& order) {
    return operand < order.size() ? order[operand] : operand;
  }

  /// Without regard to what was bound before: cheap, and mostly no.
  bool could_bind(const Node& node, const CompositeStep& step, const Order& order) const {
    for (std::size_t i = 0; i < step.operands.size(); ++i) {
      const Value* value = node.input(input_of(i, order));
      if (!value || !could_be(source_of(*value), step.operands[i])) return false;
    }
    return true;
  }

  bool could_be(const Value& value, const CompositeOperand& operand) const {
    const Tensor* tensor = constant_of(value);
    switch (operand.kind) {
      case Kind::kData:
        return !tensor && is_float_or_unknown(value);
      case Kind::kConstant:
        return tensor;
      case Kind::kScalar:
        return tensor && tensor->size() == 1;
      case Kind::kNumber:
        return tensor && is_number(*tensor, operand.number);
      case Kind::kResult:
        return !tensor && value.producer() && value.producer_output() == 0 &&
               names_op(*value.producer(), pattern_.steps[operand.step]);
    }
    return false;
  }

  /// Given: could_bind. Result: the node's inputs are what the operands name; false: they are something else.
  bool bind(State& state, const Node& node, const CompositeStep& step, const Order& order) const {
    for (std::size_t i = 0; i < step.operands.size(); ++i) {
      const CompositeOperand& operand = step.operands[i];
      const Value& read = *node.input(input_of(i, order));
      if (operand.kind == Kind::kNumber) continue;
      if (operand.kind == Kind::kResult) {
        const Node* maker = source_of(read, &state.through).producer();
        const Node*& known = state.nodes[operand.step];
        if (known && known != maker) return false;
        if (!known) state.open.push_back(operand.step);
        known = maker;
        continue;
      }
      const Value* source = &source_of(read);
      const Value*& known = state.names[operand.name];
      if (known && known != source) return false;
      known = source;
      if (operand.kind == Kind::kData) state.operands.push_back(&read);
    }
    return true;
  }

  /// The match, if it holds together: nobody else reads what is inside.
  std::optional<Match> checked(const Model& model, const Node& root, const State& state) const {
    Match match{&pattern_, state.nodes, state.operands};
    std::vector<const Node*>& nodes = match.nodes;
    nodes.insert(nodes.end(), state.through.begin(), state.through.end());
    std::sort(nodes.begin(), nodes.end(), [](const Node* a, const Node* b) { return a->mark() < b->mark(); });
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    const auto inside = [&](const Node* node) {
      return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
    };
    std::size_t inputs = 0;
    for (const Node* node : nodes) inputs += node->input_count();
    for (const Node* node : nodes) {
      if (!model.functions.empty() && model.function_of(*node)) return std::nullopt;
      for (std::size_t i = 0; i < node->output_count(); ++i) {
        const Value& value = node->output(i);
        if (node == &root && i == 0) continue;
        if (value.is_graph_output() || value.uses().size() > inputs) return std::nullopt;
        for (const Use& use : value.uses()) {
          if (!inside(use.node)) return std::nullopt;
        }
      }
    }
    std::vector<const Value*>& operands = match.operands;
    for (auto at = operands.begin(); at != operands.end();) {
      at = std::find(operands.begin(), at, *at) == at ? at + 1 : operands.erase(at);
    }
    for (const Value* operand : operands) {
      if (operand->producer() && inside(operand->producer())) return std::nullopt;
    }
    return match;
  }

  const CompositePattern& pattern_;
  const OpClasses& classes_;
  int tries_ = kMostTries;
};

CompositeMatcher::CompositeMatcher(const Composites& composites, const OpClasses& classes)
    : classes_(classes) {
  for (const CompositePattern& pattern : composites.patterns) {
    std::set<std::string> keys;
    for (const std::string& before : ops_before_last(pattern)) {
      for (const CompositeOp& op : pattern.steps.back().any_of) keys.insert(key_of(op.op, before));
    }
    for (const std::string& key : keys) by_last_ops_[key].push_back(&pattern);
  }
}

std::vector<const CompositePattern*> CompositeMatcher::candidates(const Node& root) const {
  std::vector<const CompositePattern*> found;
  const auto add = [&](const std::string& before) {
    const auto at = by_last_ops_.find(key_of(root.op(), before));
    if (at != by_last_ops_.end()) found.insert(found.end(), at->second.begin(), at->second.end());
  };
  if (!root.is_onnx_domain()) return found;
  add("");
  for (const Value* input : root.inputs()) {
    const Node* maker = input ? source_of(*input).producer() : nullptr;
    if (maker && maker->is_onnx_domain()) add(maker->op());
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::vector<Unit> CompositeMatcher::find(const Model& model) const {
  std::uint64_t position = 0;
  for (const Node& node : model.graph->nodes()) node.set_mark(position++);
  std::vector<Match> found;
  const auto& nodes = model.graph->nodes();
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    for (const CompositePattern* pattern : candidates(*node)) {
      if (auto match = Attempt(*pattern, classes_).match(model, *node)) found.push_back(std::move(*match));
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Match& a, const Match& b) { return a.nodes.size() > b.nodes.size(); });

  std::unordered_set<const Node*> taken;
  std::vector<Unit> units;
  for (Match& match : found) {
    const bool clashes = std::any_of(match.nodes.begin(), match.nodes.end(),
                                     [&](const Node* node) { return taken.contains(node); });
    if (clashes) continue;
    taken.insert(match.nodes.begin(), match.nodes.end());
    units.push_back({.pattern = match.pattern->name,
                     .nodes = std::move(match.nodes),
                     .operands = std::move(match.operands),
                     .bounded = match.pattern->bounded});
  }
  std::sort(units.begin(), units.end(),
            [](const Unit& a, const Unit& b) { return a.nodes.front()->mark() < b.nodes.front()->mark(); });
  return units;
}

}  // namespace qprep
