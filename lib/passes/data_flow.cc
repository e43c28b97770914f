#include "passes/data_flow.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "ir/walk.h"
#include "passes/constant_facts.h"

namespace qprep {
namespace {

/// From this magnitude on, an addend is taken for a mask: -1e4, -65504, -1e9, -3.4e38, -inf.
constexpr double kMaskMagnitude = 1e4;
/// An element of a divisor below this part of the largest would round to zero: 0.5 / 127.5.
constexpr double kRoundsToZero = 0.5 / 127.5;

const OpTraits& function_call() {
  static const OpTraits traits = [] {
    OpTraits call;
    call.all_inputs = true;
    call.why = "calls a function of the model, whose body stays float";
    return call;
  }();
  return traits;
}

std::size_t scanned(const Node& scan) {
  return static_cast<std::size_t>(std::max<std::int64_t>(scan.int_or("num_scan_inputs", 0), 0));
}

std::string key_of(std::string_view domain, std::string_view name, std::string_view overload) {
  return fmt::format("{}::{}::{}", domain, name, overload);
}

bool is_float32(const Value& value) { return value.type().is_tensor_of(DType::kFloat32); }

std::optional<std::string> type_objection(const Value& value) {
  if (is_float32(value)) return std::nullopt;
  if (value.type().kind == Type::Kind::kOther) return "it is no tensor";
  if (value.type().kind == Type::Kind::kUnknown || value.type().dtype == DType::kUndefined) {
    return "its element type is unknown";
  }
  return fmt::format("its elements are {}, which are not quantised", to_text(value.type().dtype));
}

bool is_float_or_unknown(const Value& value) {
  const Type& type = value.type();
  return type.kind != Type::Kind::kTensor || type.dtype == DType::kUndefined || is_floating(type.dtype);
}

bool elementwise(const OpTraits& traits) { return traits.op_class == OpClass::kActive && !traits.reduces; }

bool makes_zeros(const Value& value) {
  const Node* node = value.producer();
  if (!node || !node->is("ConstantOfShape")) return false;
  const Tensor* tensor = node->get<Tensor>("value");
  if (!tensor) return !node->attribute("value");
  return std::all_of(tensor->bytes().begin(), tensor->bytes().end(),
                     [](std::byte byte) { return byte == std::byte{0}; });
}

/// What a node does where these constants that it reads are parameters.
OpTraits without(const OpTraits& traits, const std::vector<const Value*>& parameters, const Node& node) {
  OpTraits part = traits;
  part.all_inputs = false;
  part.data.clear();
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    const bool is_parameter =
        std::find(parameters.begin(), parameters.end(), node.input(i)) != parameters.end();
    if (node.input(i) && traits.is_data(i) && !is_parameter) part.data.push_back(i);
  }
  return part;
}

/// What a node does as part of a composite operator.
OpTraits part_of(const Unit& composite, const Node& node) {
  OpTraits part;
  part.op_class = OpClass::kActive;
  part.bounded = composite.bounded;
  part.why = fmt::format("is part of {}", name_of(composite));
  const auto is_one_of = [](const auto& list, const auto* sought) {
    return std::find(list.begin(), list.end(), sought) != list.end();
  };
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    const Value* input = node.input(i);
    if (!input) continue;
    const bool inside = input->producer() && is_one_of(composite.nodes, input->producer());
    if (inside || is_one_of(composite.operands, input)) part.data.push_back(i);
  }
  return part;
}

}  // namespace

std::string name_of(const Unit& composite) {
  return fmt::format("{} '{}'", composite.pattern, composite.nodes.back()->label());
}

bool is_constant(const Value& value) {
  return value.initializer() || (value.producer() && value.producer()->is("Constant"));
}

DataFlow::DataFlow(const Model& model, const OpClasses& classes, Plan& plan)
    : model_(model),
      classes_(classes),
      plan_(plan),
      nodes_(nodes_with_bodies(*model.graph)),
      graphs_(graphs_with_bodies(*model.graph)),
      inside_(graphs_.begin(), graphs_.end()) {
  for (const Function& function : model.functions) {
    functions_.insert(key_of(function.domain, function.name, function.overload));
  }
  for (const Node* node : nodes_) {
    const OpTraits& traits = classes_.of(*node);
    const bool call = !functions_.empty() && traits.op_class != OpClass::kQuantised &&
                      functions_.contains(key_of(node->domain(), node->op(), node->overload()));
    node->set_mark(traits_.size());
    traits_.push_back(call ? &function_call() : &traits);
  }
  find_bodies();
  read_units();
  forwards(*model.graph);
  backwards(*model.graph);
}

void DataFlow::find_bodies() {
  if (graphs_.size() == 1) return;
  for (const Node* node : nodes_) {
    const OpClass op_class = traits(*node).op_class;
    const std::vector<Graph*> bodies = node->bodies();
    if (op_class == OpClass::kGemmLike || op_class == OpClass::kQuantised ||
        std::any_of(bodies.begin(), bodies.end(),
                    [&](const Graph* body) { return multiplies_.contains(body); })) {
      multiplies_.insert(&node->graph());
    }
  }
  for (const Graph* graph : graphs_) {
    for (std::size_t i = 0; graph->holder() && i < graph->outputs().size(); ++i) {
      leaves_[graph->outputs()[i]].push_back({made_from(*graph, i), next_turn_of(*graph, i) != nullptr});
    }
  }
}

void DataFlow::read_units() {
  for (const Unit& unit : plan_.units) {
    if (!unit.is_composite() && unit.parameters.empty()) continue;
    for (const Node* node : unit.nodes) {
      OpTraits part =
          unit.is_composite() ? part_of(unit, *node) : without(traits(*node), unit.parameters, *node);
      traits_.at(node->mark()) = &parts_.emplace_back(std::move(part));
    }
  }
}

// ------------------------------------------------------------------------------------------------- forwards

void DataFlow::keep(const Value& value, const ValueFlow& flow) {
  value.set_mark(flows_.size());
  flows_.push_back(flow);
}

void DataFlow::forwards(const Graph& graph) {
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) keep(*graph.inputs()[i], entering(graph, i));
  for (const Value* initializer : graph.initializers()) {
    ValueFlow flow;
    flow.root = initializer;
    keep(*initializer, flow);
  }
  for (const Node& node : graph.nodes()) {
    if (is_control_flow(node)) {
      for (const Graph* body : node.bodies()) forwards(*body);
    }
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      keep(node.output(i), made_by(node, traits(node), i));
    }
  }
}

/// What enters the model, or a body of it.
ValueFlow DataFlow::entering(const Graph& graph, std::size_t input) const {
  const Value& value = *graph.inputs()[input];
  ValueFlow flow;
  flow.root = &value;
  flow.runtime = !value.initializer();
  flow.carries = flow.runtime && is_float_or_unknown(value);
  flow.begun = graph.holder() != nullptr;
  const Value* fed = graph.holder() ? fed_to(graph, input) : nullptr;
  if (!fed) return flow;
  const bool is_slice =
      graph.holder()->is("Scan") && input + scanned(*graph.holder()) >= graph.inputs().size();
  flow.after_gemm = of(*fed).after_gemm || (!is_slice && multiplies_.contains(&graph));
  flow.mask = of(*fed).mask;
  return flow;
}

/// What a result of control flow is: any of what its bodies make, or what they would have been handed.
ValueFlow DataFlow::leaving(const Node& control, std::size_t output) const {
  const Value& value = control.output(output);
  ValueFlow flow;
  flow.root = &value;
  flow.runtime = flow.begun = true;
  flow.carries = is_float_or_unknown(value);
  const auto take = [&flow](const ValueFlow& from) {
    flow.after_gemm = flow.after_gemm || from.after_gemm;
    if (!flow.mask) flow.mask = from.mask;
  };
  for (const Graph* body : control.bodies()) {
    const std::size_t made = output + (control.is("Loop") ? 1 : 0);
    if (made >= body->outputs().size()) continue;
    take(of(*body->outputs()[made]));
    if (const Value* next = next_turn_of(*body, made)) take(of(*next));
  }
  return flow;
}

ValueFlow DataFlow::made_by(const Node& node, const OpTraits& traits, std::size_t output) const {
  const Value& value = node.output(output);
  ValueFlow flow;
  flow.root = &value;
  if (is_constant(value)) return flow;
  if (is_control_flow(node)) return leaving(node, output);

  bool data_carries = false;
  bool selected_at_runtime = false;
  flow.runtime = !traits.metadata && (node.input_count() == 0 || !node.bodies().empty());
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    const Value* input = node.input(i);
    if (!input) continue;
    const ValueFlow& from = of(*input);
    if (!traits.metadata) {
      flow.runtime = flow.runtime || from.runtime;
      flow.after_gemm = flow.after_gemm || from.after_gemm;
      flow.begun = flow.begun || from.begun;
    }
    data_carries = data_carries || (traits.is_data(i) && from.carries);
    selected_at_runtime = selected_at_runtime || (!traits.is_data(i) && from.runtime);
  }

  switch (traits.op_class) {
    case OpClass::kGemmLike:
      flow.carries = flow.after_gemm = flow.begun = true;
      return flow;
    case OpClass::kQuantised:
      flow.begun = true;
      // Not the scale that DynamicQuantizeLinear computes, nor the accumulator of MatMulInteger.
      flow.carries = output == 0 && is_float_or_unknown(value);
      return flow;
    case OpClass::kInteger:
      return flow;
    case OpClass::kFloat:
      flow.begun = true;
      flow.carries = data_carries || traits.all_inputs || traits.data.empty();
      flow.mask = mask_of(node, traits);
      return flow;
    case OpClass::kActive:
      if (const Unit* unit = plan_.unit_of(node); !traits.prepares || (unit && unit->is_composite())) {
        flow.begun = true;
      }
      flow.carries = data_carries;
      flow.mask = mask_of(node, traits);
      flow.statistic = is_statistic(node, traits);
      if (flow.statistic) flow.inverse = inverse_of(node, traits);
      return flow;
    case OpClass::kPassive:
      break;
  }
  const Value* data = traits.data.empty() ? nullptr : node.input(traits.data.front());
  if (!data || (output > 0 && !traits.all_outputs)) return flow;
  const ValueFlow& from = of(*data);
  flow.root = from.root;
  flow.through = &node;
  const bool looks_up = is_constant(*from.root) && selected_at_runtime;
  flow.carries = from.carries || looks_up;
  flow.begun = flow.begun || looks_up;
  flow.statistic = from.statistic;
  flow.inverse = from.inverse;
  flow.mask = from.mask;
  return flow;
}

const Value* DataFlow::mask_of(const Node& node, const OpTraits& traits) const {
  if (traits.bounded) return nullptr;
  const Value* huge = nullptr;
  const Value* mask = nullptr;
  bool carries = false;
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    const Value* input = node.input(i);
    if (!input || !traits.is_data(i)) continue;
    const ValueFlow& flow = of(*input);
    carries = carries || flow.carries;
    if (flow.mask && !mask) mask = flow.mask;
    const ConstantFacts* numbers = facts(*flow.root);
    if (!numbers || huge) continue;
    const double magnitude = std::max(std::abs(numbers->min), std::abs(numbers->max));
    if (!numbers->finite || magnitude >= kMaskMagnitude) huge = flow.root;
  }
  if (mask) return mask;
  const bool only_scales = traits.scales && carries && huge && facts(*huge)->finite;
  return only_scales ? nullptr : huge;
}

bool DataFlow::is_statistic(const Node& node, const OpTraits& traits) const {
  if (traits.reduces) return true;
  bool found = false;
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    const Value* input = node.input(i);
    if (!input || !traits.is_data(i)) continue;
    const ValueFlow& flow = of(*input);
    if (flow.carries && !flow.statistic) return false;
    found = found || flow.statistic;
  }
  return found;
}

/// Given: the node makes a statistic.
const Node* DataFlow::inverse_of(const Node& node, const OpTraits& traits) const {
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    const Value* input = node.input(i);
    if (!input || !traits.is_data(i)) continue;
    const ValueFlow& flow = of(*input);
    if (flow.statistic && traits.nonzero == i) return &node;
    if (flow.inverse && !traits.bounded && !traits.reduces) return flow.inverse;
  }
  return nullptr;
}

// ------------------------------------------------------------------------------------------------ backwards

void DataFlow::backwards(const Graph& graph) {
  const auto look = [this](const Value& value) { look_ahead(value, flows_.at(value.mark())); };
  const auto& nodes = graph.nodes();
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    for (std::size_t i = 0; i < node->output_count(); ++i) look(node->output(i));
    if (!is_control_flow(*node)) continue;
    for (const Graph* body : node->bodies()) backwards(*body);
  }
  for (const Value* input : graph.inputs()) look(*input);
  for (const Value* value : graph.initializers()) look(*value);
}

/// Given: an output of a body.
void DataFlow::look_over_border(const Value& value, ValueFlow& flow, bool& elsewhere, bool& tail) const {
  flow.only_outputs = flow.reaches = false;
  for (const auto& [made, next_turn] : leaves_.at(&value)) {
    if (next_turn) {
      flow.reaches = elsewhere = true;
      flow.before_gemm = flow.before_gemm || multiplies_.contains(&value.graph());
    }
    if (!made) {
      elsewhere = true;
      continue;
    }
    const ValueFlow& next = of(*made);
    flow.reaches = flow.reaches || next.reaches;
    flow.before_gemm = flow.before_gemm || next.before_gemm;
    tail = tail || next.tail;
    if (made->is_unused()) continue;
    flow.only_outputs = flow.only_outputs || next.only_outputs;
    elsewhere = elsewhere || !next.only_outputs;
  }
}

void DataFlow::look_ahead(const Value& value, ValueFlow& flow) const {
  flow.reaches = flow.read = flow.only_outputs = value.is_graph_output();
  bool elsewhere = false;
  bool tail = flow.after_gemm;
  if (value.is_graph_output() && value.graph().holder()) look_over_border(value, flow, elsewhere, tail);
  for (const Use& use : value.uses()) {
    if (!knows(*use.node)) {
      flow.read = flow.reaches = flow.before_gemm = elsewhere = true;
      continue;
    }
    flow.read = true;
    flow.reaches = flow.reaches || use_reaches(use);
    const OpTraits& traits = this->traits(*use.node);
    if (traits.metadata) continue;
    if (traits.op_class == OpClass::kGemmLike || traits.op_class == OpClass::kQuantised) {
      flow.before_gemm = true;
    }
    for (const Graph* body : is_control_flow(*use.node) ? use.node->bodies() : std::vector<Graph*>()) {
      const Value* inside = entered_at(*body, use.input);
      flow.before_gemm = flow.before_gemm || (inside && of(*inside).before_gemm);
    }
    const bool is_data = traits.is_data(use.input);
    if (traits.op_class == OpClass::kQuantised && is_data && !flow.quantiser) flow.quantiser = use.node;
    if (!flow.divides) flow.divides = divider(value, flow, use);
    bool hands_on = false;
    for (std::size_t i = 0; i < use.node->output_count(); ++i) {
      const ValueFlow& next = of(use.node->output(i));
      flow.before_gemm = flow.before_gemm || next.before_gemm;
      tail = tail || next.tail;
      if (!is_data || next.through != use.node) continue;
      if (!flow.quantiser) flow.quantiser = next.quantiser;
      if (use.node->output(i).is_unused()) continue;
      hands_on = hands_on || next.only_outputs;
      elsewhere = elsewhere || !next.only_outputs;
    }
    if (hands_on) flow.only_outputs = true;
    if (traits.op_class != OpClass::kPassive) elsewhere = true;
  }
  if (elsewhere) flow.only_outputs = false;
  flow.tail = tail && !flow.before_gemm;
}

bool DataFlow::use_reaches(const Use& use) const {
  const OpTraits& traits = this->traits(*use.node);
  if (traits.op_class == OpClass::kGemmLike || traits.op_class == OpClass::kQuantised) return true;
  if (traits.metadata || !traits.is_data(use.input)) return false;
  if (is_control_flow(*use.node)) {
    const std::vector<Graph*> bodies = use.node->bodies();
    return std::any_of(bodies.begin(), bodies.end(),
                       [&](const Graph* body) { return entered_at(*body, use.input) != nullptr; });
  }
  for (std::size_t i = 0; i < use.node->output_count(); ++i) {
    if (of(use.node->output(i)).reaches) return true;
  }
  return false;
}

/// The node that divides by what `use` computes of the value, if the value is a statistic; or that divides by
/// a statistic of the value, if the value is made for that alone (the squares of a norm).
const Node* DataFlow::divider(const Value& value, const ValueFlow& flow, const Use& use) const {
  const OpTraits& traits = this->traits(*use.node);
  if (!traits.is_data(use.input)) return nullptr;
  if (flow.statistic && traits.nonzero == use.input) return use.node;
  const Node* further = nullptr;
  for (std::size_t i = 0; i < use.node->output_count() && !further; ++i) {
    further = of(use.node->output(i)).divides;
  }
  if (!further) return nullptr;
  if (traits.op_class == OpClass::kPassive) return further;
  if (elementwise(traits)) return flow.statistic ? further : nullptr;
  const Node* maker = value.producer();
  return traits.reduces && value.has_single_use() && maker && elementwise(this->traits(*maker)) ? further
                                                                                                : nullptr;
}

// ---------------------------------------------------------------------------------------------------
// verdicts

const ConstantFacts* DataFlow::facts(const Value& root) const {
  const auto known = plan_.constants.find(&root);
  if (known != plan_.constants.end()) return &known->second;
  const Tensor* tensor = constant_of(root);
  if (!tensor || tensor->dtype() != DType::kFloat32) return nullptr;
  return &plan_.constants.emplace(&root, constant_facts(*tensor)).first->second;
}

std::optional<std::string> DataFlow::constant_objection(const Node& node, std::size_t input,
                                                        const Value& root) const {
  const ConstantFacts* numbers = facts(root);
  if (!numbers) return "its numbers do not stand in a tensor";
  if (!numbers->finite) return "it holds NaN or infinity";
  const OpTraits& traits = this->traits(node);
  const double magnitude = std::max(std::abs(numbers->min), std::abs(numbers->max));
  if (magnitude > static_cast<double>(std::numeric_limits<float>::max()) / 4) {
    return "its numbers are too large for a scale";
  }
  const bool masks = traits.op_class == OpClass::kActive && !traits.scales && !traits.bounded;
  if (masks && magnitude >= kMaskMagnitude) {
    return "its numbers are those of a mask, which would take the whole range";
  }
  if (traits.nonzero == input && (numbers->has_zero || numbers->smallest < kRoundsToZero * magnitude)) {
    return fmt::format("{} divides by it, and some of it would round to zero", name_of(node));
  }
  return std::nullopt;
}

std::optional<std::string> DataFlow::objection(const Node& node, std::size_t input) const {
  const Value& value = *node.input(input);
  const ValueFlow& flow = of(value);
  if (auto wrong = type_objection(value)) return wrong;
  if (auto wrong = type_objection(*flow.root)) return wrong;
  if (is_constant(*flow.root)) return constant_objection(node, input, *flow.root);
  if (makes_zeros(*flow.root)) return std::nullopt;
  if (traits(node).op_class == OpClass::kGemmLike) return std::nullopt;
  if (auto wrong = result_objection(*flow.root)) return wrong;
  if (flow.carries) return std::nullopt;
  return "it is computed from shapes, integers and constants alone";
}

std::optional<std::string> DataFlow::exempt(const Value& root) const {
  const Node* producer = root.producer();
  if (producer && traits(*producer).op_class == OpClass::kQuantised && root.producer_output() == 0) {
    return fmt::format("{} has quantised it already", name_of(*producer));
  }
  if (makes_zeros(root)) return "it is all zeros, which every scale holds";
  const ConstantFacts* numbers = facts(root);
  if (numbers && numbers->finite && numbers->min == 0 && numbers->max == 0) {
    return "it is all zeros, which every scale holds";
  }
  return std::nullopt;
}

std::optional<std::string> DataFlow::result_objection(const Value& result) const {
  const ValueFlow& flow = of(result);
  if (auto wrong = type_objection(result)) return wrong;
  if (flow.mask) {
    return fmt::format("the numbers of '{}' are those of a mask, which would take the whole range",
                       flow.mask->name());
  }
  if (flow.divides) {
    return fmt::format("{} divides by it or by a statistic of it, which must not round to zero",
                       name_of(*flow.divides));
  }
  if (flow.inverse) {
    return fmt::format("{} makes it of a statistic, so it spans too many orders of magnitude for one scale",
                       name_of(*flow.inverse));
  }
  return std::nullopt;
}

}  // namespace qprep
