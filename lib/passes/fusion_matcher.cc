#include "passes/fusion_matcher.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "ir/operator_name.h"
#include "passes/readers.h"
#include "passes/target_judge.h"
#include "passes/weights.h"

namespace qprep {
namespace {

bool is_one_of(const Node& node, const FusionStep& step) {
  const bool own = node.is_onnx_domain();
  return std::any_of(step.any_of.begin(), step.any_of.end(), [&](const FusionOp& op) {
    if (op.composite || op.op != (own ? node.op() : operator_name(node))) return false;
    if (!op.min) return true;
    const auto bounds = clip_bounds(node);
    return bounds && bounds->first == *op.min && bounds->second == *op.max;
  });
}

/// A bound as a number: the default where the input is omitted, nullopt where it is no constant.
std::optional<double> bound(const Node& clip, std::size_t input, double otherwise) {
  const Value* value = clip.input(input);
  if (!value) return otherwise;
  const Tensor* tensor = constant_of(*value);
  if (!tensor || tensor->size() != 1) return std::nullopt;
  if (tensor->dtype() == DType::kFloat32) return tensor->at<float>(0);
  if (tensor->dtype() == DType::kFloat64) return tensor->at<double>(0);
  return std::nullopt;
}

/// Why the value cannot stay inside, which `next` reads; empty: it can.
std::string several_readers(const Value& value, const std::vector<const Node*>& next) {
  if (auto others = other_readers(value, next)) return std::move(*others);
  if (value.has_single_use() || next.size() > 1) return "";
  return fmt::format("the output of {} is read {} times", name_of(*value.producer()), value.uses().size());
}

/// The sizes of the last axes are known and the same.
bool keeps_last_axis(const Node& reshape) {
  if (!reshape.input(0) || reshape.output_count() == 0) return false;
  const auto& before = reshape.input(0)->type().shape;
  const auto& after = reshape.output(0).type().shape;
  return before && after && !before->empty() && !after->empty() && before->back().known() &&
         before->back().size == after->back().size;
}

/// True if both shapes are known and differ.
bool changes_shape(const Value& from, const Value& to) {
  const auto before = from.type().static_dims();
  const auto after = to.type().static_dims();
  return before && after && *before != *after;
}

}  // namespace

std::optional<std::pair<double, double>> clip_bounds(const Node& clip) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (clip.attribute("min") || clip.attribute("max") || clip.input_count() < 2) {
    const auto* min = clip.get<float>("min");
    const auto* max = clip.get<float>("max");
    return std::pair(min ? *min : -kInfinity, max ? *max : kInfinity);
  }
  const auto min = bound(clip, 1, -kInfinity);
  const auto max = bound(clip, 2, kInfinity);
  if (!min || !max) return std::nullopt;
  return std::pair(*min, *max);
}

/// A pattern, laid over the nodes so far.
struct FusionMatcher::Attempt {
  const FusionPattern* pattern = nullptr;
  std::vector<const Node*> nodes = {};
  const Value* bias = nullptr;
  const Unit* composite = nullptr;  // its last node stands for it among the nodes
  const Node* refused = nullptr;    // would have been the next node
  std::string why = {};             // but for this
  bool tail_relu = false;           // which is the march's rule

  bool complete() const { return nodes.size() == pattern->steps.size(); }
  std::size_t depth() const { return nodes.size() + (refused ? 1 : 0); }
};

FusionMatcher::FusionMatcher(const FusionRules& rules, const DataFlow& flow,
                             const std::vector<Unit>& composites, const March* march,
                             const TargetJudge* target)
    : flow_(flow), march_(march), target_(target) {
  for (const Unit& composite : composites) {
    for (const Node* node : composite.nodes) composites_.emplace(node, &composite);
  }
  for (const FusionPattern& pattern : rules.patterns) {
    for (const FusionOp& op : pattern.steps.front().any_of) by_first_op_[op.op].push_back(&pattern);
  }
}

FusionMatcher::Result FusionMatcher::match(const Node& root, const Taken& taken,
                                           const std::unordered_set<const Node*>* only) const {
  Result result;
  const auto patterns = by_first_op_.find(operator_name(root));
  if (patterns == by_first_op_.end()) return result;
  std::optional<Attempt> deepest;
  std::size_t reached = 1;
  for (const FusionPattern* pattern : patterns->second) {
    Attempt attempt{pattern};
    if (joins(attempt, root, pattern->steps.front(), nullptr)) attempt.nodes.push_back(&root);
    if (attempt.nodes.empty()) continue;
    extend(attempt, taken, only);
    if (attempt.complete() && !result.unit && attempt.nodes.size() > 1) {
      result.unit = unit_of(attempt);
      result.composite = attempt.composite;
      reached = attempt.nodes.size();
    }
    // Of equally deep ones the shortest pattern, which says best what is missed.
    if (attempt.refused && (!deepest || attempt.depth() >= deepest->depth())) deepest = std::move(attempt);
  }
  if (deepest && deepest->depth() > reached) {
    if (deepest->tail_relu) result.tail_relu = deepest->refused;
    deepest->nodes.push_back(deepest->refused);
    result.miss = Miss{deepest->pattern->name, std::move(deepest->nodes), std::move(deepest->why)};
  }
  return result;
}

std::string FusionMatcher::alone(const Node& node) const {
  const auto patterns = by_first_op_.find(operator_name(node));
  if (patterns == by_first_op_.end()) return "";
  for (const FusionPattern* pattern : patterns->second) {
    Attempt attempt{pattern};
    if (pattern->steps.size() == 1 && joins(attempt, node, pattern->steps.front(), nullptr)) {
      return pattern->name;
    }
  }
  return "";
}

void FusionMatcher::extend(Attempt& attempt, const Taken& taken,
                           const std::unordered_set<const Node*>* only) const {
  while (!attempt.complete()) {
    const FusionStep& step = attempt.pattern->steps[attempt.nodes.size()];
    const Node& last = *attempt.nodes.back();
    const Value& value = last.output(0);
    const Node* next = nullptr;
    const Unit* composite = nullptr;
    const Node* others = nullptr;  // it would be the next, but is part of another sequence
    for (const Use& use : value.uses()) {
      const Node& reader = *use.node;
      if (&reader.graph() != &last.graph() || (only && !only->contains(&reader))) continue;
      if (!composite && !attempt.composite) composite = composite_of(reader, step);
      if (!is_one_of(reader, step)) continue;
      const auto owner = taken.find(&reader);
      if (owner == taken.end() && !next) next = &reader;
      if (owner != taken.end() && !owner->second->is_composite() && !others) others = &reader;
    }
    if (composite && !next) {
      attempt.why = objection_to(attempt, *composite);
      if (!attempt.why.empty()) {
        attempt.refused = composite->nodes.back();
        return;
      }
      attempt.nodes.push_back(composite->nodes.back());
      attempt.composite = composite;
      continue;
    }
    if (!next) {
      // A Reshape and a bias are of no other sequence than the head's.
      const bool missed = others && attempt.nodes.size() >= attempt.pattern->head;
      if (missed) attempt.refused = others;
      if (missed) attempt.why = taken_by(*others, *taken.at(others));
      return;
    }
    std::string why;
    // What stands behind a Reshape decides whether it is worth a word.
    if (next->is("Reshape") && !(value.has_single_use() && keeps_last_axis(*next))) return;
    if (!joins(attempt, *next, step, &why)) {
      if (why.empty()) return;
      attempt.refused = next;
      attempt.why = std::move(why);
      return;
    }
    why = several_readers(value, {next});
    if (!why.empty()) {
      attempt.refused = next;
      attempt.why = std::move(why);
      return;
    }
    if (march_ && march_->tail_relu_apart && next->is("Relu") && flow_.of(next->output(0)).only_outputs) {
      attempt.refused = next;
      attempt.tail_relu = true;
      attempt.why = fmt::format("{} stands at the very end of the graph, where {} runs it on the CPU",
                                name_of(*next), march_->name);
      return;
    }
    attempt.nodes.push_back(next);
  }
}

/// The composite operator that the node is part of, if the step asks for such a one; null: it does not.
const Unit* FusionMatcher::composite_of(const Node& node, const FusionStep& step) const {
  const auto at = composites_.find(&node);
  if (at == composites_.end()) return nullptr;
  const bool asked = std::any_of(step.any_of.begin(), step.any_of.end(), [&](const FusionOp& op) {
    return op.composite && op.op == at->second->pattern;
  });
  return asked ? at->second : nullptr;
}

/// Why a composite operator that reads the last result cannot follow; empty: it does.
std::string FusionMatcher::objection_to(const Attempt& attempt, const Unit& composite) const {
  const Value& value = attempt.nodes.back()->output(0);
  if (changes_shape(value, composite.nodes.back()->output(0))) {
    return fmt::format("the result of {} has another shape", name_of(composite));
  }
  std::string refusal = target_ ? target_->refusal_inside(composite) : "";
  return refusal.empty() ? several_readers(value, composite.nodes) : refusal;
}

std::string FusionMatcher::taken_by(const Node& node, const Unit& unit) const {
  return fmt::format("{} is in the unit {} of {}", name_of(node), unit.pattern, name_of(*unit.nodes.front()));
}

Unit FusionMatcher::unit_of(const Attempt& attempt) const {
  Unit unit{attempt.pattern->name, attempt.nodes, attempt.bias};
  for (std::size_t step = attempt.pattern->head; step < attempt.nodes.size(); ++step) {
    const Node& node = *attempt.nodes[step];
    if (attempt.composite && &node == attempt.composite->nodes.back()) continue;
    const Value& before = attempt.nodes[step - 1]->output(0);
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      const Value* input = node.input(i);
      if (input && input != &before && flow_.traits(node).is_data(i)) unit.addends.push_back(input);
    }
  }
  if (attempt.composite) add_composite(attempt, unit);
  return unit;
}

/// Result: all nodes of the composite operator stand where its last one stood.
void FusionMatcher::add_composite(const Attempt& attempt, Unit& unit) const {
  const std::vector<const Node*>& inside = attempt.composite->nodes;
  const auto at = std::find(unit.nodes.begin(), unit.nodes.end(), inside.back());
  unit.nodes.insert(unit.nodes.erase(at), inside.begin(), inside.end());
  for (const Node* node : inside) {
    for (const Value* input : node->inputs()) {
      if (input && constant_of(*input)) unit.parameters.push_back(input);
    }
  }
}

/// `why` (if given): the rule that fails; left empty where the node is simply something else.
bool FusionMatcher::joins(Attempt& attempt, const Node& node, const FusionStep& step,
                          std::string* why) const {
  if (!is_one_of(node, step)) return false;
  const OpTraits& traits = flow_.traits(node);
  const auto refuse = [why](std::string sentence) {
    if (why) *why = std::move(sentence);
    return false;
  };
  if (traits.op_class == OpClass::kFloat) return refuse(fmt::format("{} {}", name_of(node), traits.why));
  if (target_ && attempt.nodes.size() >= attempt.pattern->head) {
    std::string refusal = target_->refusal_inside(node);
    if (!refusal.empty()) return refuse(std::move(refusal));
  }
  for (std::size_t i = 1; i < node.output_count(); ++i) {
    if (!node.output(i).is_unused())
      return refuse(fmt::format("{} has a second result that is used", name_of(node)));
  }
  for (std::size_t i = step.operands.size(); i < node.input_count(); ++i) {
    if (node.input(i) && traits.is_data(i)) {
      return refuse(fmt::format("{} has more than {} operands", name_of(node), step.operands.size()));
    }
  }
  const auto fits = [&](std::size_t input, std::size_t operand) {
    return operand_fits(attempt, node, input, step.operands[operand], why);
  };
  if (step.commutative && (fits(1, 0) && fits(0, 1))) return true;
  if (step.commutative && why) why->clear();
  for (std::size_t i = 0; i < step.operands.size(); ++i) {
    if (!fits(i, i)) return false;
  }
  if (!attempt.nodes.empty() && !node.is("Reshape") &&
      changes_shape(attempt.nodes.back()->output(0), node.output(0))) {
    return refuse(fmt::format("the result of {} has another shape", name_of(node)));
  }
  return true;
}

bool FusionMatcher::operand_fits(Attempt& attempt, const Node& node, std::size_t input,
                                 const FusionOperand& operand, std::string* why) const {
  const Value* value = node.input(input);
  if (!value) return operand.optional;
  switch (operand.kind) {
    case FusionOperand::Kind::kResult:
      return value == &attempt.nodes[operand.step]->output(0);
    case FusionOperand::Kind::kConstant:
      return has_constant_root(*value);
    case FusionOperand::Kind::kBias:
      if (!is_channel_bias(*attempt.nodes.front(), node, *value)) return false;
      attempt.bias = value;
      return true;
    case FusionOperand::Kind::kAny:
      break;
  }
  // What a later node adds has to be quantised on its own.
  if (attempt.nodes.empty() || !flow_.traits(node).is_data(input)) return true;
  const auto objection = flow_.objection(node, input);
  if (objection && why) *why = fmt::format("{} stays float: {}", name_of(*value), *objection);
  return !objection;
}

bool FusionMatcher::is_channel_bias(const Node& head, const Node& add, const Value& bias) const {
  const Tensor* tensor = constant_of(bias);
  const OpTraits& traits = flow_.traits(head);
  const Value* weight = traits.weight ? head.input(*traits.weight) : nullptr;
  if (!tensor || !weight) return false;
  const auto weight_dims = weight->type().static_dims();
  if (!weight_dims) return false;
  // The last axis, of whatever rank.
  if (traits.channels == ChannelRule::kLast && tensor->dims().size() == 1 && weight_dims->size() >= 2 &&
      !add.attribute("axis")) {
    return tensor->size() == 1 || tensor->size() == weight_dims->back();
  }
  const auto channels = output_channels(head, traits, *weight_dims);
  if (!channels) return false;
  // Where the bias's first axis stands in the result: aligned right, or as opset 1 to 6 say.
  const auto rank = static_cast<std::int64_t>(channels->rank);
  const auto own = static_cast<std::int64_t>(tensor->dims().size());
  const std::int64_t first = add.int_or("axis", rank - own);
  for (std::int64_t i = 0; i < own; ++i) {
    const std::int64_t size = tensor->dims()[static_cast<std::size_t>(i)];
    const bool channel_axis = first + i == static_cast<std::int64_t>(channels->axis);
    if (size != 1 && !(channel_axis && size == channels->count)) return false;
  }
  return first >= 0 && first + own <= rank;
}

/// A constant, or one that is quantised on its way.
bool FusionMatcher::has_constant_root(const Value& value) const {
  const Value* root = flow_.of(value).root;
  for (const Node* node = root->producer();
       node && flow_.traits(*node).op_class == OpClass::kQuantised && node->input(0);
       node = root->producer()) {
    root = flow_.of(*node->input(0)).root;
  }
  return is_constant(*root);
}

}  // namespace qprep
