#include "passes/explain_placement.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>
#include <vector>

#include "passes/readers_behind.h"
#include "plan/because.h"

namespace qprep {
namespace {

class Explanation {
 public:
  Explanation(const DataFlow& flow, const WeightDecisions& weights, const NodeSettings& settings,
              const QuantisedNodes& nodes, Plan& plan)
      : flow_(flow), weights_(weights), settings_(settings), nodes_(nodes), plan_(plan) {}

  void run() {
    for (const Node* node : flow_.nodes()) settle_device(*node);
    for (const Node* node : flow_.nodes()) {
      if (node->is("Constant")) settle_constant(*node);
    }
    for (const Node* node : flow_.nodes()) settle_results(*node);
    for (const Graph* graph : flow_.graphs()) {
      for (const Value* input : graph->inputs()) explain_source(*input);
      for (const Value* value : graph->initializers()) explain_source(*value);
    }
  }

 private:
  bool runs_quantised(const Node& node) const { return nodes_.computing.contains(&node); }

  const Setting& output_setting(const Node& node) const {
    const Unit* unit = plan_.unit_of(node);
    return unit ? settings_.winner(*unit) : settings_.winner(node, Slot::kOutput);
  }

  // -------------------------------------------------------------------------------------------- devices

  void settle_device(const Node& node) {
    NodePlan& entry = plan_.nodes[&node];
    const OpTraits& traits = flow_.traits(node);
    const auto on = [&](Device device, Reason why) {
      entry.device = device;
      entry.device_because = std::move(why);
    };
    const bool inside_unit = traits.op_class == OpClass::kPassive && plan_.unit_of(node);
    switch (inside_unit ? OpClass::kActive : traits.op_class) {
      case OpClass::kGemmLike:
      case OpClass::kActive:
        if (!runs_quantised(node)) return;
        if (const Setting& output = output_setting(node);
            output.precision() == Precision::kFloat32 && !output.names_nodes()) {
          return on(Device::kCpu, float_as_set(output));
        }
        if (const Reason* why = float_weight_in_unit(node)) return on(Device::kCpu, *why);
        return on(Device::kBpu, on_bpu(node, traits));
      case OpClass::kPassive:
        return settle_passive(node, traits);
      case OpClass::kQuantised:
        return settle_carrying(node, traits);
      case OpClass::kInteger:
      case OpClass::kFloat:
        return on(Device::kCpu, fmt::format("{}: it {}", to_text(traits.op_class), traits.why));
    }
  }

  Reason on_bpu(const Node& node, const OpTraits& traits) const {
    Reason why = because("{}: it {}{}", to_text(traits.op_class), traits.why, in_spite_of_tail(node));
    why.add(nodes_.keepers_of(plan_.unit_of(node)));
    return why;
  }

  void settle_carrying(const Node& node, const OpTraits& traits) {
    NodePlan& entry = plan_.nodes[&node];
    const auto refused = nodes_.on_cpu.find(&node);
    const bool runs = !traits.dynamic && refused == nodes_.on_cpu.end();
    entry.device = runs ? Device::kBpu : Device::kCpu;
    entry.device_because = fmt::format("{}: it {}", to_text(traits.op_class), traits.why);
    if (refused != nodes_.on_cpu.end()) entry.device_because.append(because("; {}", refused->second));
  }

  /// Why a node in the tail that is not gemm_like is quantised, as the end of a reason; empty: it is none.
  Reason in_spite_of_tail(const Node& node) const {
    const Unit* unit = plan_.unit_of(node);
    if (!unit || flow_.traits(*unit->nodes.front()).op_class == OpClass::kGemmLike ||
        !flow_.of(unit->nodes.back()->output(0)).tail) {
      return {};
    }
    const Setting& setting = settings_.winner(*unit);
    return because("; in the tail ({})", setting.names_nodes() ? setting : settings_.tail());
  }

  void settle_passive(const Node& node, const OpTraits& traits) {
    NodePlan& entry = plan_.nodes[&node];
    entry.passive = true;
    const Value* data = traits.data.empty() ? nullptr : node.input(traits.data.front());
    if (!data) return;
    const Value& root = *flow_.of(*data).root;
    const auto refused = nodes_.on_cpu.find(&node);
    if (refused != nodes_.on_cpu.end()) {
      entry.device_because = because("passive: it {}; {}", traits.why, refused->second);
    } else if (nodes_.moving.contains(&node) || moves_quantised_already(flow_, node)) {
      entry.device = Device::kBpu;
      entry.device_because = fmt::format("passive: it {}; what it moves is quantised", traits.why);
      if (const Reason* moved = plan_.reason_of(root)) entry.device_because.add(*moved);
      if (const Setting* keeper = settings_.keeps_from_skip(node)) entry.device_because.add(*keeper);
    } else if (Reason unread = why_unread(node.output(0)); !unread.empty()) {
      entry.device_because = with_maker(because("passive: it {}; {}", traits.why, unread), root);
    } else if (plan_.values.contains(&root)) {
      entry.device_because = fmt::format("passive: it {}; no quantised node reads what it moves of {}",
                                         traits.why, name_of(*data));
    } else {
      entry.device_because = fmt::format("passive: it {}; {}, which it moves, is not quantised{}", traits.why,
                                         name_of(*data), where_to(root.producer(), node.output(0)));
      entry.device_because = with_maker(std::move(entry.device_because), root);
    }
  }

  /// Why what a node on the BPU makes is handed on in float, as the end of a reason: who on the CPU reads it
  /// first; empty: nobody does.
  std::string where_to(const Node* maker, const Value& value) const {
    if (!maker || !runs_quantised(*maker)) return "";
    const std::vector<const Node*> behind = readers_behind(flow_, value);
    const auto first =
        std::ranges::find_if(behind, [this](const Node* node) { return !runs_quantised(*node); });
    if (first == behind.end()) return "";
    return fmt::format(", and leads to {} on the CPU{}", name_of(**first), behind.size() > 1 ? " first" : "");
  }

  /// A constant stands where it is read.
  void settle_constant(const Node& node) {
    NodePlan& entry = plan_.nodes[&node];
    for (const Use& use : node.output(0).uses()) {
      const NodePlan* reader = plan_.of(*use.node);
      if (!reader || reader->device != Device::kBpu) continue;
      entry.device = Device::kBpu;
      entry.device_because = fmt::format("constant that {} reads", name_of(*use.node));
      return;
    }
    entry.device_because = "constant that no node on the BPU reads";
  }

  /// Why a weight of the node's unit stays float, as the settings want it; null: none does. A unit is one
  /// kernel, so it is on one device.
  const Reason* float_weight_in_unit(const Node& node) const {
    const Unit* unit = plan_.unit_of(node);
    if (!unit) return float_weight(node);
    for (const Node* member : unit->nodes) {
      if (const Reason* why = float_weight(*member)) return why;
    }
    return nullptr;
  }

  const Reason* float_weight(const Node& node) const {
    const auto input = flow_.traits(node).weight;
    const Value* weight = input ? weight_of(flow_, node, *input) : nullptr;
    const auto at = weights_.left.find(weight);
    return at == weights_.left.end() ? nullptr : &at->second;
  }

  // --------------------------------------------------------------------------------- reasons of tensors

  void settle_results(const Node& node) {
    NodePlan& entry = plan_.nodes[&node];
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      const Value& value = node.output(i);
      if (value.name().empty()) continue;
      Reason why = reason_for(node, value, i);
      if (i > 0) continue;
      const std::string on_cpu = on_the_cpu(node, entry).text;
      if (why.text.starts_with(on_cpu)) why.text.replace(0, on_cpu.size(), "it runs on the CPU");
      entry.output_because = std::move(why);
    }
    const auto weight_input = flow_.traits(node).weight;
    const Value* weight = weight_input ? weight_of(flow_, node, *weight_input) : nullptr;
    if (weight) entry.weight_because = weight_reason(node, *weight);
  }

  /// Why the result is held as it is. Result: a float one has the reason in not_quantised.
  Reason reason_for(const Node& node, const Value& value, std::size_t output) {
    if (const auto at = plan_.values.find(&value); at != plan_.values.end()) return at->second.because;
    if (const auto at = plan_.same_as.find(&value); at != plan_.same_as.end()) {
      return fmt::format("hands on {}, which is quantised", name_of(*at->second));
    }
    if (const auto at = plan_.not_quantised.find(&value); at != plan_.not_quantised.end()) return at->second;
    const Type& type = value.type();
    if (type.kind == Type::Kind::kTensor && !is_floating(type.dtype) && type.dtype != DType::kUndefined) {
      return fmt::format("{}, which is not quantised", to_text(type.dtype));
    }
    Reason why = float_reason(node, value, output);
    plan_.not_quantised.emplace(&value, why);
    return why;
  }

  Reason float_reason(const Node& node, const Value& value, std::size_t output) const {
    const OpTraits& traits = flow_.traits(node);
    const Unit* unit = plan_.unit_of(node);
    if (is_constant(value)) return constant_reason(value);
    if (unit && &node != unit->nodes.back() && output == 0) {
      return unit->is_composite() ? fmt::format("inside {}", name_of(*unit))
                                  : fmt::format("inside unit {}", unit->pattern);
    }
    if (traits.op_class == OpClass::kPassive && flow_.of(value).through == &node) {
      const Value& root = *flow_.of(value).root;
      const auto at = plan_.not_quantised.find(&root);
      if (at != plan_.not_quantised.end()) return because("hands on {}: {}", name_of(root), at->second);
      const Reason unread = why_unread(value);
      if (!unread.empty()) return with_maker(because("hands on {}; {}", name_of(root), unread), root);
      Reason why = fmt::format("hands on {}, which no quantised node reads this way", name_of(root));
      why.add(plan_.of(node)->device_because);
      return why;
    }
    if (runs_quantised(node)) {
      if (output > 0) return fmt::format("a further result of {}", name_of(node));
      return float_as_set(output_setting(node));
    }
    if (const auto objection = flow_.result_objection(value)) return *objection;
    const NodePlan* entry = plan_.of(node);
    if (!entry) return "";
    const Reason unread = why_unread(value);
    const Reason on_cpu = on_the_cpu(node, *entry);
    return unread.empty() ? on_cpu : because("{}; {}", on_cpu, unread);
  }

  /// The settings that keep the nodes which could read the value quantised, over passive operators, from
  /// doing so, in a sentence on the first of them; empty: no setting does.
  Reason why_unread(const Value& value) const {
    constexpr std::size_t kMostLooks = 16, kMostTold = 8;
    const Setting& setting = setting_of(*flow_.of(value).root);
    std::vector<const Value*> waiting{&value};
    Reason all;
    std::size_t told = 0;
    for (std::size_t looks = 0; looks < waiting.size() && looks < kMostLooks; ++looks) {
      for (const Use& use : waiting[looks]->uses()) {
        if (!flow_.knows(*use.node)) continue;
        const OpTraits& traits = flow_.traits(*use.node);
        if (!traits.is_data(use.input)) continue;
        if (traits.op_class == OpClass::kPassive) waiting.push_back(&use.node->output(0));
        if (traits.op_class != OpClass::kGemmLike && traits.op_class != OpClass::kActive) continue;
        if (setting.precision() == Precision::kFloat32 || runs_quantised(*use.node)) {
          return float_as_set(setting);
        }
        const Reason why = why_left_float(*use.node, value.producer());
        if (told >= kMostTold) {
          all.add(why);
        } else if (!why.empty() && all.text.find(why.text) == std::string::npos) {
          all.append(told++ == 0 ? because("no quantised node reads it: {}", why) : because("; {}", why));
        }
      }
    }
    return all;
  }

  /// Why a passive operator is handed floats that its maker on the BPU would make quantised, or does not.
  Reason with_maker(Reason why, const Value& root) const {
    if (const Reason* of_root = plan_.reason_of(root)) why.add(*of_root);
    if (root.producer() && !runs_quantised(*root.producer())) {
      why.add(plan_.of(*root.producer())->device_because);
    }
    return why;
  }

  /// Why settings leave the reader of a value float: its own, or those for the tail; empty: no setting does,
  /// or the same as of who makes the value, whose reason is told.
  Reason why_left_float(const Node& reader, const Node* maker) const {
    const Reason set = why_set_to_float(reader);
    const Reason& device = plan_.of(reader)->device_because;
    if (!set.empty() || device.settings.empty()) return set;
    if (maker && plan_.of(*maker)->device_because.settings == device.settings) return "";
    return because("{} runs on the CPU: {}", name_of(reader), device);
  }

  /// "Gemm 'head' stays float (qprep.yaml:4:7 ...)": as a setting for its unit, or for a weight of it, wants
  /// it.
  Reason why_set_to_float(const Node& node) const {
    const Unit* unit = plan_.unit_of(node);
    for (const Node* member : unit ? unit->nodes : std::vector<const Node*>{&node}) {
      const Setting* skip = settings_.skip(*member);
      const Setting& weight = settings_.winner(*member, Slot::kWeight);
      const bool float_weight =
          flow_.traits(*member).weight && weight.names_nodes() && weight.precision() == Precision::kFloat32;
      if (skip || float_weight) {
        return because("{} stays float ({})", name_of(*member), skip ? *skip : weight);
      }
    }
    return "";
  }

  const Setting& setting_of(const Value& value) const {
    if (!value.producer()) return settings_.winner(value);
    return runs_quantised(*value.producer()) ? output_setting(*value.producer())
                                             : settings_.winner(*value.producer(), Slot::kOutput);
  }

  /// Why others read a float tensor from it.
  static Reason on_the_cpu(const Node& node, const NodePlan& entry) {
    return because("{} runs on the CPU: {}", name_of(node), entry.device_because);
  }

  Reason weight_reason(const Node& node, const Value& weight) const {
    const auto at = plan_.values.find(&weight);
    if (at != plan_.values.end()) return at->second.because;
    if (const auto left = weights_.left.find(&weight); left != weights_.left.end()) return left->second;
    const auto refused = weights_.refused.find(&weight);
    if (refused != weights_.refused.end()) return refused->second;
    Reason on_cpu = fmt::format("{} runs on the CPU", name_of(node));
    on_cpu.add(plan_.of(node)->device_because);
    return on_cpu;
  }

  void explain_source(const Value& value) {
    if (plan_.values.contains(&value) || plan_.not_quantised.contains(&value)) return;
    const Type& type = value.type();
    if (type.kind == Type::Kind::kTensor && !is_floating(type.dtype)) return;
    if (value.initializer()) {
      plan_.not_quantised.emplace(&value, constant_reason(value));
    } else {
      Reason unread = why_unread(value);
      plan_.not_quantised.emplace(&value,
                                  unread.empty() ? Reason("no quantised node reads it") : std::move(unread));
    }
  }

  Reason constant_reason(const Value& value) const {
    Reason unread;
    for (const Use& use : value.uses()) {
      if (!flow_.knows(*use.node)) continue;
      const OpTraits& traits = flow_.traits(*use.node);
      const Unit* unit = plan_.unit_of(*use.node);
      if ((unit && unit->bias == &value) || traits.bias == use.input) {
        return fmt::format("bias of {}: it is added to the accumulator", name_of(*use.node));
      }
      if (weight_of(flow_, *use.node, use.input) == &value) return weight_reason(*use.node, value);
      if (!traits.is_data(use.input)) {
        return fmt::format("a parameter of {}",
                           unit && unit->is_composite() ? name_of(*unit) : name_of(*use.node));
      }
      if (!unit) continue;
      if (auto why = flow_.objection(*use.node, use.input)) return *why;
      if (!unread.empty()) continue;
      const Setting& setting = settings_.winner(*use.node, value);
      unread = !runs_quantised(*use.node)                   ? on_the_cpu(*use.node, *plan_.of(*use.node))
               : setting.precision() == Precision::kFloat32 ? float_as_set(setting)
                                                            : Reason();
    }
    return unread.empty() ? "no quantised node reads it as data" : unread;
  }

  const DataFlow& flow_;
  const WeightDecisions& weights_;
  const NodeSettings& settings_;
  const QuantisedNodes& nodes_;
  Plan& plan_;
};

}  // namespace

void explain_placement(const DataFlow& flow, const WeightDecisions& weights, const NodeSettings& settings,
                       const QuantisedNodes& nodes, Plan& plan) {
  Explanation(flow, weights, settings, nodes, plan).run();
}

}  // namespace qprep
