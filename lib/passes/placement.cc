#include "passes/placement.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <unordered_set>

#include "quant/scale.h"

namespace qprep {
namespace {

/// An input of a unit through which data enters it.
struct Entry {
  const Node* node;
  std::size_t input;
  const Value& value() const { return *node->input(input); }
};

class Placement {
 public:
  Placement(const Model& model, const DataFlow& flow, const WeightDecisions& weights,
            const Template& activations, Plan& plan)
      : graph_(*model.graph), flow_(flow), weights_(weights), activations_(activations), plan_(plan) {}

  void run() {
    for (const Unit& unit : plan_.units) judge(unit);
    for (const Unit& unit : plan_.units) {
      if (!runs_quantised(*unit.nodes.front())) continue;
      for (const Entry& entry : entries(unit)) feed(entry);
      if (!activations_float()) hand_on(unit);
    }
    for (const Node& node : graph_.nodes()) settle_reads(node);
    for (const Node& node : graph_.nodes()) settle_device(node);
    for (const Node& node : graph_.nodes()) settle_results(node);
    for (const Value* input : graph_.inputs()) explain_source(*input);
    for (const Value* value : graph_.initializers()) explain_source(*value);
  }

 private:
  bool activations_float() const { return activations_.precision == Precision::kFloat32; }
  bool runs_quantised(const Node& node) const { return quantised_.contains(&node); }
  const Unit* unit_of(const Node& node) const {
    const NodePlan* entry = plan_.of(node);
    return entry && entry->unit >= 0 ? &plan_.units[static_cast<std::size_t>(entry->unit)] : nullptr;
  }

  // ------------------------------------------------------------------------------------- which units

  std::vector<Entry> entries(const Unit& unit) const {
    std::vector<Entry> found;
    for (const Node* node : unit.nodes) {
      const OpTraits& traits = flow_.traits(*node);
      for (std::size_t i = 0; i < node->input_count(); ++i) {
        const Value* value = node->input(i);
        if (!value || !traits.is_data(i) || value == unit.bias) continue;
        const Node* maker = value->producer();
        const bool inside =
            maker && std::find(unit.nodes.begin(), unit.nodes.end(), maker) != unit.nodes.end();
        if (!inside) found.push_back({node, i});
      }
    }
    return found;
  }

  void judge(const Unit& unit) {
    const std::string objection = objection_to(unit);
    for (const Node* node : unit.nodes) {
      if (objection.empty()) {
        quantised_.insert(node);
      } else {
        plan_.nodes[node].device_because = objection;
      }
    }
  }

  /// Why the unit cannot run quantised; empty: it does.
  std::string objection_to(const Unit& unit) const {
    for (const Entry& entry : entries(unit)) {
      const Value* weight = weight_of(flow_, *entry.node, entry.input);
      const auto refused = weight ? weights_.refused.find(weight) : weights_.refused.end();
      if (refused != weights_.refused.end()) {
        return fmt::format("its weight '{}' stays float: {}", weight->name(), refused->second);
      }
      if (const auto why = flow_.objection(*entry.node, entry.input)) {
        return fmt::format("'{}' stays float: {}", entry.value().name(), *why);
      }
    }
    const Value& result = unit.nodes.back()->output(0);
    if (const auto why = flow_.result_objection(result)) {
      return fmt::format("its result '{}' stays float: {}", result.name(), *why);
    }
    if (flow_.traits(*unit.nodes.front()).op_class == OpClass::kGemmLike) return "";
    if (!flow_.of(result).carries) return "it computes from shapes, integers and constants alone";
    if (!flow_.of(result).reaches)
      return "its result only leads to shapes, indices, coordinates or conditions";
    return "";
  }

  // ------------------------------------------------------------------------------- what enters a unit

  /// Result: what the unit reads there is quantised, as far as the templates say so.
  void feed(const Entry& entry) {
    const Value* root = flow_.of(entry.value()).root;
    const Value* weight = weight_of(flow_, *entry.node, entry.input);
    if (weight) {
      const auto decision = weights_.decisions.find(weight);
      if (decision != weights_.decisions.end()) {
        plan_.values.emplace(root, decision->second);
        read_quantised(entry);
        return;
      }
      if (weights_.all_float()) return;
    }
    if (activations_float()) return;
    if (const auto exempt = flow_.exempt(*root)) {
      plan_.not_quantised.emplace(root, *exempt);
      return;
    }
    // A weight that somebody reads as data too has its decision from there.
    const auto as_weight = weights_.decisions.find(root);
    if (as_weight != weights_.decisions.end()) {
      plan_.values.emplace(root, as_weight->second);
    } else if (!plan_.values.contains(root)) {
      plan_.values.emplace(root, decision_for(entry, *root));
    }
    plan_.not_quantised.erase(root);
    read_quantised(entry);
  }

  Decision decision_for(const Entry& entry, const Value& root) {
    Decision decision;
    decision.spec.precision = activations_.precision;
    const Node* through = flow_.of(entry.value()).through;
    const std::string reader =
        name_of(*entry.node) + (through ? fmt::format(" through {}", name_of(*through)) : "");
    std::string what;
    if (is_constant(root)) {
      decision.role = Role::kConstant;
      what = fmt::format("constant that enters {}", reader);
      know_scale(root, decision.spec);
    } else if (root.is_graph_input()) {
      what = fmt::format("graph input that feeds {}", reader);
    } else {
      what = fmt::format("result of {} that feeds {}", name_of(*root.producer()), reader);
      if (runs_quantised(*root.producer())) {
        decision.takes_output = root.is_graph_output();
        made_quantised_.insert(&root);
      }
    }
    decision.because = fmt::format("{} ({})", what, activations_.source);
    return decision;
  }

  void know_scale(const Value& constant, const QuantSpec& spec) {
    const ConstantFacts* facts = flow_.facts(constant);
    if (!facts) return;
    const auto magnitude = static_cast<float>(std::max(std::abs(facts->min), std::abs(facts->max)));
    const auto scale = weight_scale_of(magnitude, range_of(spec.precision));
    if (!scale) return;
    plan_.known_scales.emplace(
        &constant, KnownScale{Tensor::scalar(*scale), Tensor::of<std::int32_t>(DType::kInt32, {}, {0})});
  }

  /// Result: the input reads the FakeQuantize of its root, over the passive operators between.
  void read_quantised(const Entry& entry) {
    const Node* node = entry.node;
    std::size_t input = entry.input;
    for (;;) {
      std::vector<std::size_t>& reads = plan_.nodes[node].quantised_inputs;
      const ValueFlow& flow = flow_.of(*node->input(input));
      if (!flow.through) return add(reads, input);
      if (!moves_quantised_.insert(flow.through).second) return;
      node = flow.through;
      input = flow_.traits(*node).data.front();
    }
  }

  static void add(std::vector<std::size_t>& reads, std::size_t input) {
    const auto at = std::lower_bound(reads.begin(), reads.end(), input);
    if (at == reads.end() || *at != input) reads.insert(at, input);
  }

  // ------------------------------------------------------------------------------ what leaves a unit

  void hand_on(const Unit& unit) {
    const Value& result = unit.nodes.back()->output(0);
    const ValueFlow& flow = flow_.of(result);
    const auto float_since = [&](std::string why) { plan_.not_quantised.emplace(&result, std::move(why)); };
    const bool gemm_like = flow_.traits(*unit.nodes.front()).op_class == OpClass::kGemmLike;
    if (flow.quantiser) return float_since(fmt::format("{} quantises it", name_of(*flow.quantiser)));
    if (gemm_like && flow.only_outputs) {
      return float_since("high-precision output: it feeds outputs of the graph only");
    }
    if (!flow.read) return float_since("no node of the main graph reads it");
    if (!flow.reaches) return float_since("it only leads to shapes, indices, coordinates or conditions");
    Decision decision;
    decision.spec.precision = activations_.precision;
    const std::string what = unit.nodes.size() > 1
                                 ? fmt::format("output of unit {}", unit.pattern)
                                 : fmt::format("output of {}", name_of(*unit.nodes.front()));
    decision.because = fmt::format("{} ({})", what, activations_.source);
    decision.takes_output = result.is_graph_output();
    plan_.values.emplace(&result, std::move(decision));
    made_quantised_.insert(&result);
  }

  // ------------------------------------------------------------------------------- who reads quantised

  /// What a quantised unit made exists only quantised, so every node reads it so; the user's inputs and what
  /// the CPU made exist as float too, which the CPU reads.
  void settle_reads(const Node& node) {
    const OpTraits& traits = flow_.traits(node);
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      const Value* value = node.input(i);
      if (!value) continue;
      const bool quantiser = traits.op_class == OpClass::kQuantised && traits.is_data(i);
      const bool quantised = made_quantised_.contains(value) || plan_.same_as.contains(value);
      if (quantised && !quantiser) add(plan_.nodes[&node].quantised_inputs, i);
    }
    if (traits.op_class != OpClass::kPassive || traits.data.empty()) return;
    const Value* data = node.input(traits.data.front());
    if (!data) return;
    const Node* before = flow_.of(*data).through;
    if (made_quantised_.contains(data) || (before && moves_quantised_.contains(before))) {
      moves_quantised_.insert(&node);
    }
    if (!moves_quantised_.contains(&node)) return;
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      const ValueFlow& flow = flow_.of(node.output(i));
      if (flow.through == &node) plan_.same_as.emplace(&node.output(i), flow.root);
    }
  }

  // --------------------------------------------------------------------------- devices and their reasons

  void settle_device(const Node& node) {
    NodePlan& entry = plan_.nodes[&node];
    const OpTraits& traits = flow_.traits(node);
    const auto on = [&](Device device, std::string because) {
      entry.device = device;
      entry.device_because = std::move(because);
    };
    switch (traits.op_class) {
      case OpClass::kGemmLike:
      case OpClass::kActive:
        if (!runs_quantised(node)) return;
        if (activations_float()) {
          return on(Device::kCpu, fmt::format("activations stay float ({})", activations_.source));
        }
        if (reads_float_weight(node)) {
          return on(Device::kCpu, fmt::format("weights stay float ({})", weights_.chosen.source));
        }
        return on(Device::kBpu, fmt::format("{}: it {}", to_text(traits.op_class), traits.why));
      case OpClass::kPassive:
        return settle_passive(node, traits);
      case OpClass::kQuantised:
        return on(traits.dynamic ? Device::kCpu : Device::kBpu,
                  fmt::format("{}: it {}", to_text(traits.op_class), traits.why));
      case OpClass::kInteger:
      case OpClass::kFloat:
        return on(Device::kCpu, fmt::format("{}: it {}", to_text(traits.op_class), traits.why));
    }
  }

  void settle_passive(const Node& node, const OpTraits& traits) {
    NodePlan& entry = plan_.nodes[&node];
    const Value* data = traits.data.empty() ? nullptr : node.input(traits.data.front());
    if (!data) {
      const bool used = plan_.values.contains(&node.output(0));
      entry.device = used ? Device::kBpu : Device::kCpu;
      entry.device_because = used ? "constant that is quantised" : "constant that stays as it is";
      return;
    }
    const Node* maker = flow_.of(*data).root->producer();
    const bool quantised_before = maker && flow_.traits(*maker).op_class == OpClass::kQuantised;
    if (moves_quantised_.contains(&node) || (quantised_before && flow_.of(node.output(0)).through)) {
      entry.device = Device::kBpu;
      entry.device_because = fmt::format("passive: it {}; its input is quantised", traits.why);
    } else {
      entry.device_because = fmt::format("passive: it {}; its input stays as it is", traits.why);
    }
  }

  bool reads_float_weight(const Node& node) const {
    const auto input = flow_.traits(node).weight;
    return weights_.all_float() && input && weight_of(flow_, node, *input);
  }

  // --------------------------------------------------------------------------------- reasons of tensors

  void settle_results(const Node& node) {
    NodePlan& entry = plan_.nodes[&node];
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      const Value& value = node.output(i);
      if (value.name().empty()) continue;
      std::string because = reason_for(node, value, i);
      if (i == 0) entry.output_because = std::move(because);
    }
    const auto weight_input = flow_.traits(node).weight;
    const Value* weight = weight_input ? weight_of(flow_, node, *weight_input) : nullptr;
    if (weight) entry.weight_because = weight_reason(node, *weight);
  }

  /// Why the result is held as it is. Result: a float one has the reason in not_quantised.
  std::string reason_for(const Node& node, const Value& value, std::size_t output) {
    if (const auto at = plan_.values.find(&value); at != plan_.values.end()) return at->second.because;
    if (const auto at = plan_.same_as.find(&value); at != plan_.same_as.end()) {
      return fmt::format("hands on '{}', which is quantised", at->second->name());
    }
    if (const auto at = plan_.not_quantised.find(&value); at != plan_.not_quantised.end()) return at->second;
    const Type& type = value.type();
    if (type.kind == Type::Kind::kTensor && !is_floating(type.dtype) && type.dtype != DType::kUndefined) {
      return fmt::format("{} is no real number", to_text(type.dtype));
    }
    std::string why = float_reason(node, value, output);
    plan_.not_quantised.emplace(&value, why);
    return why;
  }

  std::string float_reason(const Node& node, const Value& value, std::size_t output) const {
    const OpTraits& traits = flow_.traits(node);
    const Unit* unit = unit_of(node);
    if (is_constant(value)) return constant_reason(value);
    if (unit && &node != unit->nodes.back() && output == 0) {
      return fmt::format("inside unit {}", unit->pattern);
    }
    if (traits.op_class == OpClass::kPassive && flow_.of(value).through == &node) {
      const Value& root = *flow_.of(value).root;
      const auto at = plan_.not_quantised.find(&root);
      if (at != plan_.not_quantised.end()) return fmt::format("hands on '{}': {}", root.name(), at->second);
      return fmt::format("hands on '{}', which no quantised node reads this way", root.name());
    }
    if (runs_quantised(node)) {
      if (output > 0) return fmt::format("a further result of {}", name_of(node));
      return fmt::format("activations stay float ({})", activations_.source);
    }
    if (const auto objection = flow_.result_objection(value)) return *objection;
    const NodePlan* entry = plan_.of(node);
    return entry ? fmt::format("{} runs on the CPU: {}", name_of(node), entry->device_because) : "";
  }

  std::string weight_reason(const Node& node, const Value& weight) const {
    const auto at = plan_.values.find(&weight);
    if (at != plan_.values.end()) return at->second.because;
    if (weights_.all_float()) return fmt::format("weights stay float ({})", weights_.chosen.source);
    const auto refused = weights_.refused.find(&weight);
    if (refused != weights_.refused.end()) return refused->second;
    return fmt::format("{} runs on the CPU", name_of(node));
  }

  void explain_source(const Value& value) {
    if (plan_.values.contains(&value) || plan_.not_quantised.contains(&value)) return;
    const Type& type = value.type();
    if (type.kind == Type::Kind::kTensor && !is_floating(type.dtype)) return;
    plan_.not_quantised.emplace(&value,
                                value.initializer() ? constant_reason(value) : "no quantised node reads it");
  }

  std::string constant_reason(const Value& value) const {
    for (const Use& use : value.uses()) {
      if (&use.node->graph() != &graph_) continue;
      const OpTraits& traits = flow_.traits(*use.node);
      const Unit* unit = unit_of(*use.node);
      if ((unit && unit->bias == &value) || traits.bias == use.input) {
        return fmt::format("bias of {}: it is added to the accumulator", name_of(*use.node));
      }
      if (const auto refused = weights_.refused.find(&value); refused != weights_.refused.end()) {
        return refused->second;
      }
      if (!traits.is_data(use.input)) return fmt::format("a parameter of {}", name_of(*use.node));
    }
    return "no quantised node reads it as data";
  }

  const Graph& graph_;
  const DataFlow& flow_;
  const WeightDecisions& weights_;
  const Template& activations_;
  Plan& plan_;
  std::unordered_set<const Node*> quantised_;        // members of units that can run quantised
  std::unordered_set<const Node*> moves_quantised_;  // passive ones whose data is quantised
  std::unordered_set<const Value*> made_quantised_;  // results of quantised units that have a FakeQuantize
};

}  // namespace

void place(const Model& model, const DataFlow& flow, const WeightDecisions& weights,
           const Template& activations, Plan& plan) {
  Placement(model, flow, weights, activations, plan).run();
}

}  // namespace qprep
