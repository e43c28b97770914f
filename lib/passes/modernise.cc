#include "passes/modernise.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "passes/composite_matcher.h"
#include "passes/composite_quantity.h"
#include "passes/rewriter.h"
#include "passes/size_remedies.h"
#include "support/codes.h"

namespace qprep {
namespace {

using Kind = CompositeOperand::Kind;

/// Why a composite stays: a clause, and what it comes from in this one.
struct Because {
  std::string rule;
  std::string facts = {};
};

/// How far a number of the spelling may be off the operator's own, relatively.
constexpr double kTolerance = 2e-6;

bool is_close(double value, double wanted) {
  return std::abs(value - wanted) <= kTolerance * std::abs(wanted);
}

/// An input of the operator: a value that is there, or a constant to be made.
struct NewInput {
  const Value* value = nullptr;
  std::optional<Tensor> tensor = {};
  std::string wanted = {};  // the constant's name is made from it
};

struct NewNode {
  std::vector<NewInput> inputs;
  std::vector<std::pair<std::string, AttributeValue>> attributes;
};

const Shape* shape_of_data(const CompositeMatch& match) {
  const Type& type = match.operands.front()->type();
  return type.shape ? &*type.shape : nullptr;
}

/// The sizes that a parameter has along its own axes; nullopt: they are not known.
std::optional<Dims> parameter_dims(const CompositeMatch& match, Kind kind) {
  const Shape* shape = shape_of_data(match);
  if (!shape) return std::nullopt;
  const auto rank = std::ssize(*shape);
  std::vector<std::int64_t> axes = {1 - rank};
  if (kind == Kind::kReduced) {
    if (!match.axes) return std::nullopt;
    axes = match.axes->axes;
  }
  Dims dims;
  for (const std::int64_t axis : axes) {
    if (axis >= 0 || axis < -rank || !(*shape)[static_cast<std::size_t>(axis + rank)].known()) {
      return std::nullopt;
    }
    dims.push_back((*shape)[static_cast<std::size_t>(axis + rank)].size);
  }
  return dims;
}

/// The float32 constant, repeated to sizes `dims` along axes that are `first`, `first` + 1, ... (-1 the
/// last); nullopt: it varies along others.
std::optional<Tensor> spread(const Tensor& tensor, const Dims& dims, std::int64_t first) {
  const auto own_rank = std::ssize(tensor.dims());
  std::vector<std::int64_t> strides(dims.size(), 0);
  std::int64_t stride = 1;
  for (std::int64_t axis = own_rank - 1; axis >= 0; --axis) {
    const std::int64_t size = tensor.dims()[static_cast<std::size_t>(axis)];
    const std::int64_t at = axis - own_rank - first;
    const bool there = at >= 0 && at < std::ssize(dims);
    if (size != 1 && (!there || dims[static_cast<std::size_t>(at)] != size)) return std::nullopt;
    if (size != 1) strides[static_cast<std::size_t>(at)] = stride;
    stride *= size;
  }
  const auto count = element_count(dims);
  if (!count) return std::nullopt;
  std::vector<float> values(static_cast<std::size_t>(*count));
  for (std::int64_t i = 0; i < *count; ++i) {
    std::int64_t rest = i;
    std::int64_t from = 0;
    for (std::size_t axis = dims.size(); axis-- > 0;) {
      from += rest % dims[axis] * strides[axis];
      rest /= dims[axis];
    }
    values[static_cast<std::size_t>(i)] = tensor.at<float>(from);
  }
  return Tensor::floats(dims, std::move(values));
}

Tensor negated(const Tensor& tensor) {
  std::vector<float> values = tensor.to_vector<float>();
  for (float& value : values) value = -value;
  return Tensor::floats(tensor.dims(), std::move(values));
}

/// The data hold the result's sizes where the constant is one of its operands.
bool broadcasts_to_data(const Tensor& tensor, const CompositeMatch& match) {
  const Shape* shape = shape_of_data(match);
  if (!shape || tensor.dims().size() > shape->size()) return false;
  const std::size_t lead = shape->size() - tensor.dims().size();
  for (std::size_t i = 0; i < tensor.dims().size(); ++i) {
    const Dim& dim = (*shape)[lead + i];
    if (tensor.dims()[i] != 1 && (!dim.known() || dim.size != tensor.dims()[i])) return false;
  }
  return true;
}

/// The value as one of the nodes reads it; null: none does.
Value* as_input(const std::vector<const Node*>& nodes, const Value* wanted) {
  for (const Node* node : nodes) {
    for (Value* value : node->inputs()) {
      if (value == wanted) return value;
    }
  }
  return nullptr;
}

/// Decides whether a match may become its operator, and what that reads and says.
class Draft {
 public:
  explicit Draft(const CompositeMatch& match) : match_(match) {}

  std::variant<NewNode, Because> make() {
    if (!match_.pattern->meaning) return Because{"ONNX has no operator that does the same"};
    const CompositeMeaning& meaning = *match_.pattern->meaning;
    const Node& root = *match_.by_step.back();
    if (match_.operands.size() != 1) return Because{"its data come in two types"};
    for (const Value* value : {match_.operands.front(), static_cast<const Value*>(&root.output(0))}) {
      if (!value->type().is_tensor_of(DType::kFloat32))
        return Because{"it does not compute in float32 all along"};
    }
    if (const auto number = number_that_is_off()) {
      return Because{fmt::format("one of its numbers is not quite {:g}", *number)};
    }
    for (const CompositeCondition& condition : meaning.given) {
      if (!holds(condition, match_)) {
        return Because{fmt::format("ONNX's {} does the same only where {} (configs/composites.yaml)",
                                   meaning.op, condition.text),
                       quantities_of(condition, match_)};
      }
    }
    NewNode node;
    for (const CompositeMeaning::Input& input : meaning.inputs) {
      auto made = input_of(input);
      if (!made) return misfit(input, meaning.op);
      if (made->value || made->tensor) node.inputs.push_back(std::move(*made));
    }
    for (const CompositeMeaning::Attribute& attribute : meaning.attributes) {
      auto value = value_of(attribute);
      if (!value)
        return Because{fmt::format("attribute '{}' of {} is not known", attribute.name, meaning.op)};
      node.attributes.emplace_back(attribute.name, std::move(*value));
    }
    return node;
  }

 private:
  /// Why the operand cannot be made of what the nodes read.
  Because misfit(const CompositeMeaning::Input& input, const std::string& op) const {
    const bool has_sizes = input.kind == Kind::kReduced || input.kind == Kind::kChannel;
    if (has_sizes && !parameter_dims(match_, input.kind)) {
      const Value& data = *match_.operands.front();
      const std::string remedy = size_remedy(main_graph());
      return {fmt::format("{} takes constants as long as its data, whose sizes are not known", op),
              fmt::format("they are '{}', {}{}{}", data.name(), to_text(data.type()),
                          remedy.empty() ? "" : "; ", remedy)};
    }
    const Value* value = constant_named(input.name, match_);
    if (!value)
      return {fmt::format("a constant that {} takes is left out, and nothing stands in for it", op)};
    return {fmt::format("a constant cannot be brought into the form that {} takes", op),
            fmt::format("it is '{}', {}", value->name(), to_text(value->type()))};
  }

  const Graph& main_graph() const {
    const Graph* graph = &match_.nodes.front()->graph();
    while (graph->holder()) graph = &graph->holder()->graph();
    return *graph;
  }

  /// A number of the pattern that the constant is only near to.
  std::optional<double> number_that_is_off() const {
    for (std::size_t at = 0; at < match_.by_step.size(); ++at) {
      const CompositeStep& step = match_.pattern->steps[at];
      const Node& node = *match_.by_step[at];
      for (const CompositeOperand& operand : step.operands) {
        if (operand.kind == Kind::kNumber && !reads(node, operand.number)) return operand.number;
      }
      for (const CompositeOp& op : step.any_of) {
        for (const CompositeOp::Number& number : op.numbers) {
          const auto* value = node.get<float>(number.attribute);
          if (node.is(op.op) && value && !is_close(static_cast<double>(*value), number.is)) return number.is;
        }
      }
    }
    return std::nullopt;
  }

  static bool reads(const Node& node, double number) {
    for (const Value* input : node.inputs()) {
      const Tensor* tensor = input ? constant_of(*input) : nullptr;
      const auto value = tensor ? number_everywhere(*tensor) : std::nullopt;
      if (value && is_close(*value, number)) return true;
    }
    return false;
  }

  std::optional<NewInput> input_of(const CompositeMeaning::Input& input) const {
    if (input.kind == Kind::kData) return NewInput{match_.operands.front()};
    if (input.kind == Kind::kNumber) return number(static_cast<float>(input.number));
    const Value* value = constant_named(input.name, match_);
    if (!value) return missing(input);
    const Tensor& tensor = *constant_of(*value);
    if (tensor.dtype() != DType::kFloat32) return std::nullopt;
    auto shaped = shaped_as(input.kind, tensor);
    if (!shaped) return std::nullopt;
    if (input.negative) return NewInput{nullptr, negated(*shaped), value->name()};
    if (shaped->dims() == tensor.dims() && as_input(match_.nodes, value)) return NewInput{value};
    return NewInput{nullptr, std::move(shaped), value->name()};
  }

  std::optional<Tensor> shaped_as(Kind kind, const Tensor& tensor) const {
    if (kind == Kind::kConstant) {
      return broadcasts_to_data(tensor, match_) ? std::optional(tensor) : std::nullopt;
    }
    if (kind == Kind::kScalar) return spread(tensor, {}, 0);
    const auto dims = parameter_dims(match_, kind);
    if (!dims) return std::nullopt;
    return spread(tensor, *dims, kind == Kind::kReduced ? match_.axes->axes.front() : channel_axis());
  }

  std::int64_t channel_axis() const { return 1 - std::ssize(*shape_of_data(match_)); }

  std::optional<NewInput> missing(const CompositeMeaning::Input& input) const {
    if (!input.otherwise) return NewInput{};
    const auto value = static_cast<float>(*input.otherwise);
    if (input.kind != Kind::kReduced && input.kind != Kind::kChannel) return number(value);
    const auto dims = parameter_dims(match_, input.kind);
    const auto count = dims ? element_count(*dims) : std::nullopt;
    if (!count) return std::nullopt;
    return NewInput{nullptr,
                    Tensor::floats(*dims, std::vector<float>(static_cast<std::size_t>(*count), value)),
                    name(input.name)};
  }

  NewInput number(float value) const { return {nullptr, Tensor::scalar(value), name("number")}; }

  std::string name(const std::string& what) const {
    return match_.by_step.back()->output(0).name() + "_" + what;
  }

  std::optional<AttributeValue> value_of(const CompositeMeaning::Attribute& attribute) const {
    if (!attribute.text.empty()) return attribute.text;
    const auto number = number_of(attribute.number, match_);
    if (!number) return std::nullopt;
    if (attribute.is_integer) return static_cast<std::int64_t>(std::llround(*number));
    return static_cast<float>(*number);
  }

  const CompositeMatch& match_;
};

Because too_old(const CompositeMeaning& meaning, const std::string& why) {
  return {fmt::format("{} needs operator set {}, and {}", meaning.op, meaning.since, why)};
}

class Moderniser {
 public:
  Moderniser(Model& model, Env& env, const OpsetBound& bound)
      : model_(model), env_(env), bound_(bound), rewriter_(model, env) {}

  std::vector<Modernised> run() {
    std::vector<CompositeMatch> matches =
        CompositeMatcher(env_.composites->patterns, *env_.op_classes).find(model_).matches;
    for (Node& node : model_.graph->nodes()) nodes_.emplace(&node, &node);
    for (const CompositeMatch& match : matches) {
      auto made = Draft(match).make();
      auto* because = std::get_if<Because>(&made);
      if (!because && match.pattern->meaning->since > model_.opset()) {
        stay(match, too_old(*match.pattern->meaning));
      } else if (because) {
        stay(match, std::move(*because));
      } else {
        replace(match, std::move(std::get<NewNode>(made)));
      }
    }
    rewriter_.finish();
    tell();
    return std::move(made_);
  }

 private:
  Because too_old(const CompositeMeaning& meaning) const {
    return qprep::too_old(meaning, meaning.since > bound_.newest
                                       ? bound_.because
                                       : fmt::format("the model has {}", model_.opset()));
  }

  struct Stay {
    std::string name;
    Because because;
    std::string first;
    std::size_t others = 0;
  };

  void stay(const CompositeMatch& match, Because because) {
    const std::string& name = match.pattern->name;
    const auto at = std::find_if(stays_.begin(), stays_.end(), [&](const Stay& each) {
      return each.name == name && each.because.rule == because.rule;
    });
    if (at != stays_.end()) {
      ++at->others;
    } else {
      stays_.push_back({name, std::move(because), match.by_step.back()->label()});
    }
  }

  void tell() const {
    for (const Stay& each : stays_) {
      const std::string who = each.others > 0 ? fmt::format("' and {} more stay", each.others) : "' stays";
      std::string why = each.because.rule;
      if (!each.because.facts.empty()) {
        why += fmt::format(", and {} {}", each.others > 0 ? "of the first," : "here", each.because.facts);
      }
      env_.diagnostics.note(codes::kCompositeStays,
                            fmt::format("{} '{}{} as written: {}", each.name, each.first, who, why),
                            {model_.file});
    }
  }

  void replace(const CompositeMatch& match, NewNode made) {
    const CompositeMeaning& meaning = *match.pattern->meaning;
    Node& root = *nodes_.at(match.by_step.back());
    Modernised& told = made_.emplace_back(Modernised{root.label(), meaning.op, match.pattern->name, {}});
    for (const Node* node : match.nodes) told.nodes.push_back(node->label());
    std::vector<Value*> inputs;
    for (NewInput& input : made.inputs) {
      if (input.tensor) {
        inputs.push_back(&rewriter_.new_constant(root, input.wanted, std::move(*input.tensor)));
      } else {
        inputs.push_back(as_input(match.nodes, input.value));
      }
    }
    rewriter_.become(root, meaning.op, inputs, fmt::format("is {} now", meaning.op));
    for (auto& [name, value] : made.attributes) root.set_attribute(name, std::move(value));
    for (auto node = match.nodes.rbegin(); node != match.nodes.rend(); ++node) {
      if (*node == &root) continue;
      Node& part = *nodes_.at(*node);
      root.take_over(part);
      rewriter_.erase(part, fmt::format("is part of {} '{}' now", meaning.op, root.label()));
    }
  }

  Model& model_;
  Env& env_;
  const OpsetBound& bound_;
  Rewriter rewriter_;
  std::unordered_map<const Node*, Node*> nodes_;
  std::vector<Stay> stays_;
  std::vector<Modernised> made_;
};

}  // namespace

std::int64_t opset_for_modern(const Model& model, Env& env, std::int64_t newest) {
  std::int64_t needed = 0;
  const CompositeMatcher matcher(env.composites->patterns, *env.op_classes);
  for (const CompositeMatch& match : matcher.find(model).matches) {
    const auto made = Draft(match).make();
    if (!std::holds_alternative<NewNode>(made)) continue;
    const std::int64_t since = match.pattern->meaning->since;
    if (since <= newest) needed = std::max(needed, since);
  }
  return needed;
}

std::vector<ForeseenModern> foresee_modern(const Model& model, Env& env, const OpsetBound& bound) {
  std::vector<ForeseenModern> all;
  for (const CompositeMatch& match :
       CompositeMatcher(env.composites->patterns, *env.op_classes).find(model).matches) {
    ForeseenModern& each = all.emplace_back();
    each.node = match.by_step.back();
    each.nodes = match.nodes;
    each.composite = match.pattern->name;
    auto made = Draft(match).make();
    auto* because = std::get_if<Because>(&made);
    if (!because && match.pattern->meaning->since <= bound.newest) {
      each.op = match.pattern->meaning->op;
      continue;
    }
    const Because why = because ? *because : too_old(*match.pattern->meaning, bound.because);
    each.because = why.facts.empty() ? why.rule : fmt::format("{}, and here {}", why.rule, why.facts);
  }
  return all;
}

std::vector<Modernised> modernise(Model& model, Env& env, const OpsetBound& bound) {
  return Moderniser(model, env, bound).run();
}

}  // namespace qprep
