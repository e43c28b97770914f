#include "driver/explained.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "plan/node_settings.h"
#include "support/text.h"

namespace qprep {
namespace {

class Explainer {
 public:
  explicit Explainer(const Decided& decided) : plan_(decided.plan), settings_(*decided.plan.settings) {}

  ExplainedNode node(const Node& node) const {
    const NodePlan& entry = *plan_.of(node);
    ExplainedNode explained;
    explained.name = node.label();
    explained.op = node.op();
    explained.device = to_text(entry.device);
    explained.because = entry.device_because;
    explained.absorbed = node.absorbed();
    const Unit* unit = entry.unit >= 0 ? &plan_.units[static_cast<std::size_t>(entry.unit)] : nullptr;
    if (unit && (unit->nodes.size() > 1 || unit->is_composite())) {
      explained.pattern = unit->pattern;
      for (const Node* member : unit->nodes) explained.unit.push_back(member->label());
    }
    explained.slots.push_back(output_of(node, entry, unit));
    if (!entry.weight_because.empty()) {
      const Value* weight = weight_read_by(node);
      ExplainedSlot slot = slot_of("weight", weight, entry.weight_because);
      slot.settings = said_of({&node}, Slot::kWeight);
      explained.slots.push_back(std::move(slot));
    }
    for (const Value* read : node.inputs()) {
      const Decision* decision = read ? plan_.decision_of(*read) : nullptr;
      if (!decision || decision->role != Role::kConstant) continue;
      explained.slots.push_back(slot_of(fmt::format("constant '{}'", read->name()), read, decision->because));
    }
    for (ExplainedSlot& slot : explained.slots) mark_rule(slot, entry);
    return explained;
  }

  ExplainedNode input(const Value& input) const {
    ExplainedNode explained;
    explained.name = input.name();
    explained.op = "input";
    ExplainedSlot slot = slot_of("output", &input, "");
    const auto decided = plan_.values.find(&input);
    const auto left = plan_.not_quantised.find(&input);
    slot.because = decided != plan_.values.end()       ? decided->second.because
                   : left != plan_.not_quantised.end() ? left->second
                                                       : "its elements are not quantised";
    for (const Setting* setting : settings_.all(input)) {
      slot.settings.push_back({to_text(*setting), to_text(setting->says), ""});
    }
    mark_rule(slot, NodePlan{});
    explained.slots.push_back(std::move(slot));
    return explained;
  }

 private:
  /// No setting is the reason, neither of the slot nor, where that repeats it, of the device.
  static void mark_rule(ExplainedSlot& slot, const NodePlan& entry) {
    slot.rule = std::none_of(slot.settings.begin(), slot.settings.end(), [&](const ExplainedSetting& each) {
      return slot.because.find(each.setting) != std::string::npos ||
             (slot.because.find("runs on the CPU") != std::string::npos &&
              entry.device_because.find(each.setting) != std::string::npos);
    });
  }

  ExplainedSlot slot_of(std::string slot, const Value* value, std::string because) const {
    ExplainedSlot explained{std::move(slot), value ? precision_of(*value) : "", "", std::move(because), {}};
    if (const Decision* decision = value ? plan_.decision_of(*value) : nullptr) {
      explained.besides = besides(*value, *decision);
    }
    return explained;
  }

  /// A node inside a unit makes nothing of its own: the settings for it speak of the unit's result.
  ExplainedSlot output_of(const Node& node, const NodePlan& entry, const Unit* unit) const {
    ExplainedSlot slot =
        slot_of("output", node.output_count() == 0 ? nullptr : &node.output(0), entry.output_because);
    slot.settings = unit ? said_of(unit->nodes, Slot::kOutput) : said_of({&node}, Slot::kOutput);
    if (!unit || unit->nodes.back() == &node) return slot;
    const Node& last = *unit->nodes.back();
    const Decision* decision = plan_.decision_of(last.output(0));
    const std::string more = decision ? besides(last.output(0), *decision) : "";
    slot.because +=
        fmt::format("; the unit makes '{}', {}{}: {}", last.output(0).name(), precision_of(last.output(0)),
                    more.empty() ? "" : " (" + more + ")", plan_.of(last)->output_because);
    return slot;
  }

  /// What is not as usual besides the dtype.
  std::string besides(const Value& value, const Decision& decision) const {
    const QuantSpec usual;
    std::vector<std::string> parts;
    if (decision.role == Role::kWeight && decision.spec.channel_axis < 0) parts.emplace_back("per tensor");
    if (decision.spec.observer != usual.observer) parts.push_back(decision.spec.observer);
    if (decision.spec.averaging_constant != usual.averaging_constant) {
      parts.push_back(fmt::format("averaging_constant {}", decision.spec.averaging_constant));
    }
    const auto known = plan_.known_scales.find(&value);
    if (decision.fixed && known != plan_.known_scales.end()) {
      parts.push_back(fmt::format("scale {}", known->second.scale.at<float>(0)));
    }
    return join(parts, ", ");
  }

  std::string precision_of(const Value& result) const {
    if (const Decision* decision = plan_.decision_of(result))
      return std::string(to_text(decision->spec.precision));
    return result.type().kind == Type::Kind::kTensor ? to_text(result.type().dtype) : "?";
  }

  /// The quantised weight, else the input that would be it.
  const Value* weight_read_by(const Node& node) const {
    for (const Value* input : node.inputs()) {
      const Decision* decision = input ? plan_.decision_of(*input) : nullptr;
      if (decision && decision->role == Role::kWeight) return input;
    }
    return node.input_count() > 1 ? node.input(1) : nullptr;
  }

  /// The settings for any of the nodes, the one that counts first; each once.
  std::vector<ExplainedSetting> said_of(const std::vector<const Node*>& nodes, Slot slot) const {
    std::vector<std::pair<const Setting*, const Node*>> said;
    std::set<const Setting*> known;
    for (const Node* node : nodes) {
      for (const Setting* setting : settings_.all(*node, slot)) {
        if (known.insert(setting).second) said.emplace_back(setting, node);
      }
      const Setting* skip = settings_.skip(*node);
      if (skip && known.insert(skip).second) said.emplace_back(skip, node);
    }
    std::sort(said.begin(), said.end());
    std::vector<ExplainedSetting> explained;
    for (const auto& [setting, node] : said) {
      const bool names_member = setting->names_nodes() && nodes.size() > 1;
      explained.push_back({to_text(*setting), to_text(setting->says), names_member ? node->label() : ""});
    }
    return explained;
  }

  const Plan& plan_;
  const NodeSettings& settings_;
};

}  // namespace

ExplainedNode explain_node(const Decided& decided, const Node& node) { return Explainer(decided).node(node); }

ExplainedNode explain_input(const Decided& decided, const Value& input) {
  return Explainer(decided).input(input);
}

std::vector<ExplainedNode> explain_all(const Decided& decided) {
  const Explainer explainer(decided);
  const Graph& graph = *decided.file.model.graph;
  std::vector<ExplainedNode> all;
  for (const Value* input : graph.inputs()) {
    if (!input->initializer()) all.push_back(explainer.input(*input));
  }
  for (const Node& node : graph.nodes()) all.push_back(explainer.node(node));
  return all;
}

}  // namespace qprep
