#include "passes/composite_attempt.h"

#include <algorithm>
#include <utility>

#include "passes/composite_ops.h"
#include "passes/readers.h"

namespace qprep {
namespace {

using Kind = CompositeOperand::Kind;

/// Nodes beside each other that hand on their input.
constexpr int kMostTransparent = 8;

bool is_float_or_unknown(const Value& value) {
  const Type& type = value.type();
  return type.kind != Type::Kind::kTensor || type.dtype == DType::kUndefined || is_floating(type.dtype);
}

std::size_t input_of(std::size_t operand, const std::array<std::size_t, 2>& order) {
  return operand < order.size() ? order[operand] : operand;
}

bool contains(const std::vector<const Node*>& nodes, const Node* node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

}  // namespace

std::optional<CompositeMatch> CompositeAttempt::match(const Model& model, const Node& root, bool is_block) {
  const CompositeStep& last = pattern_.steps.back();
  if (root.output_count() == 0) return std::nullopt;
  if (!could_bind(root, last, {0, 1}) && !(last.commutative && could_bind(root, last, {1, 0}))) {
    return std::nullopt;
  }
  State state{std::vector<const Node*>(pattern_.steps.size()), std::vector<const Value*>(pattern_.names)};
  state.nodes.back() = &root;
  state.open.push_back(pattern_.steps.size() - 1);
  if (!solve(state) || !constants_fit(state)) return std::nullopt;
  CompositeMatch match = match_of(state);
  for (const Node* node : match.nodes) {
    if (&node->graph() != &root.graph()) return std::nullopt;
    if (!model.functions.empty() && model.function_of(*node)) return std::nullopt;
  }
  for (const Value* operand : match.operands) {
    if (operand->producer() && contains(match.nodes, operand->producer()) && !is_block) return std::nullopt;
  }
  if (!is_block) match.flaw = flaw_of(match, root);
  return match;
}

bool CompositeAttempt::solve(State& state) {
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

bool CompositeAttempt::is_step(State& state, const Node& node, const CompositeStep& step) const {
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

/// Without regard to what was bound before: cheap, and mostly no.
bool CompositeAttempt::could_bind(const Node& node, const CompositeStep& step, const Order& order) const {
  for (std::size_t i = 0; i < step.operands.size(); ++i) {
    const Value* value = node.input(input_of(i, order));
    if (!value || !could_be(source_of(*value), step.operands[i])) return false;
  }
  return true;
}

bool CompositeAttempt::could_be(const Value& value, const CompositeOperand& operand) const {
  const Tensor* tensor = constant_of(value);
  switch (operand.kind) {
    case Kind::kData:
      return !tensor && is_float_or_unknown(value);
    case Kind::kConstant:
    case Kind::kReduced:
    case Kind::kChannel:
      return tensor;
    case Kind::kScalar:
      return tensor && tensor->size() == 1;
    case Kind::kNumber:
      return tensor && is_number(*tensor, operand.number);
    case Kind::kAny:
      return true;
    case Kind::kResult:
      return !tensor && value.producer() && value.producer_output() == 0 &&
             names_op(*value.producer(), pattern_.steps[operand.step]);
  }
  return false;
}

/// Given: could_bind. Result: the node's inputs are what the operands name; false: they are something else.
bool CompositeAttempt::bind(State& state, const Node& node, const CompositeStep& step,
                            const Order& order) const {
  for (std::size_t i = 0; i < step.operands.size(); ++i) {
    const CompositeOperand& operand = step.operands[i];
    const Value& read = *node.input(input_of(i, order));
    if (operand.kind == Kind::kNumber || operand.kind == Kind::kAny) continue;
    if (operand.kind == Kind::kResult) {
      const Node* maker = source_of(read, &state.through).producer();
      const Node*& known = state.nodes[operand.step];
      if (known && known != maker) return false;
      if (!known) state.open.push_back(operand.step);
      known = maker;
      continue;
    }
    const bool is_data = operand.kind == Kind::kData;
    const Value* source = &source_of(read, is_data && !pattern_.through.empty() ? &state.through : nullptr);
    const Value*& known = state.names[operand.name];
    if (known && known != source) return false;
    known = source;
    if (is_data) state.operands.push_back(&read);
  }
  return true;
}

/// The constants vary along the axes that the pattern says.
bool CompositeAttempt::constants_fit(const State& state) const {
  for (std::size_t at = 0; at < pattern_.steps.size(); ++at) {
    for (const CompositeOperand& operand : pattern_.steps[at].operands) {
      if (operand.kind != Kind::kReduced && operand.kind != Kind::kChannel) continue;
      const Tensor& tensor = *constant_of(*state.names[operand.name]);
      const auto rank = state.nodes[at]->output(0).type().rank();
      const bool fits = operand.kind == Kind::kReduced ? state.axes && varies_along(tensor, *state.axes)
                                                       : varies_along_channels(tensor, rank, state.axes);
      if (!fits) return false;
    }
  }
  return true;
}

/// What the value is, before transparent nodes; these are appended to `through`, if given.
const Value& CompositeAttempt::source_of(const Value& value, std::vector<const Node*>* through) const {
  const Value* source = &value;
  for (int i = 0; i < kMostTransparent && source->producer(); ++i) {
    const Node& maker = *source->producer();
    const auto input = transparent_input(maker);
    if (!input) break;
    if (through) through->push_back(&maker);
    source = maker.input(*input);
  }
  return *source;
}

std::optional<std::size_t> CompositeAttempt::transparent_input(const Node& node) const {
  if (const auto input = handed_on(node)) return input;
  for (const CompositeStep& step : pattern_.through) {
    if (!names_op(node, step)) {
      if (std::ranges::find(step.any_of, "Mul", &CompositeOp::op) != step.any_of.end() &&
          is_scale_as_conv(node))
        return 0;
      continue;
    }
    if (const auto input = looked_through(node, step, classes_.of(node))) return input;
  }
  return std::nullopt;
}

CompositeMatch CompositeAttempt::match_of(const State& state) const {
  CompositeMatch match{&pattern_, state.nodes, state.operands};
  match.by_step = state.nodes;
  match.names = state.names;
  match.axes = state.axes;
  std::vector<const Node*>& nodes = match.nodes;
  nodes.insert(nodes.end(), state.through.begin(), state.through.end());
  std::sort(nodes.begin(), nodes.end(), [](const Node* a, const Node* b) { return a->mark() < b->mark(); });
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  std::vector<const Value*>& operands = match.operands;
  for (auto at = operands.begin(); at != operands.end();) {
    at = std::find(operands.begin(), at, *at) == at ? at + 1 : operands.erase(at);
  }
  return match;
}

/// Why the nodes are no kernel: somebody else reads what is inside.
std::string CompositeAttempt::flaw_of(const CompositeMatch& match, const Node& root) const {
  for (const Node* node : match.nodes) {
    for (std::size_t i = 0; i < node->output_count(); ++i) {
      if (node == &root && i == 0) continue;
      if (auto others = other_readers(node->output(i), match.nodes)) return std::move(*others);
    }
  }
  return "";
}

}  // namespace qprep
