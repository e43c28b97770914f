#include "driver/explained.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <unordered_map>

#include "plan/node_settings.h"
#include "support/text.h"

namespace qprep {
namespace {

class Explainer {
 public:
  explicit Explainer(const Decided& decided) : plan_(decided.plan), settings_(*decided.plan.settings) {
    for (const Setting& setting : settings_.settings()) {
      std::string text = to_text(setting);
      std::string first_word = text.substr(0, text.find(' '));
      texts_.emplace(std::move(first_word), ExplainedSetting{std::move(text), to_text(setting.says), {}});
    }
  }

  ExplainedNode node(const Node& node) const {
    const NodePlan& entry = *plan_.of(node);
    ExplainedNode explained;
    explained.name = node.label();
    explained.op = node.op();
    explained.device = to_text(entry.device);
    explained.because = entry.device_because;
    explained.absorbed = node.absorbed();
    const Unit* unit = entry.unit >= 0 ? &plan_.units[static_cast<std::size_t>(entry.unit)] : nullptr;
    if (unit && unit->nodes.size() > 1) {
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
      ExplainedSlot slot = slot_of(fmt::format("constant '{}'", read->name()), read, decision->because);
      slot.settings = said_of_constant(*read, node);
      explained.slots.push_back(std::move(slot));
    }
    for (const Setting* setting : settings_.in_vain(node)) {
      explained.slots.front().settings.push_back({to_text(*setting), to_text(setting->says), "", true});
    }
    for (ExplainedSlot& slot : explained.slots) name_deciders(slot, entry);
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
    name_deciders(slot, NodePlan{});
    explained.slots.push_back(std::move(slot));
    return explained;
  }

  ExplainedNode constant(const Value& constant) const {
    ExplainedNode explained;
    explained.name = constant.name();
    explained.op = "constant";
    const Decision* decision = plan_.decision_of(constant);
    const auto left = plan_.not_quantised.find(&constant);
    ExplainedSlot slot = slot_of("value", &constant,
                                 decision                            ? decision->because
                                 : left != plan_.not_quantised.end() ? left->second
                                                                     : "its elements are not quantised");
    const bool weight = decision && decision->role == Role::kWeight;
    if (!constant.uses().empty() && plan_.of(*constant.uses().front().node)) {
      const Node& reader = *constant.uses().front().node;
      slot.settings = weight ? said_of({&reader}, Slot::kWeight) : said_of_constant(constant, reader);
    }
    name_deciders(slot, NodePlan{});
    explained.slots.push_back(std::move(slot));
    return explained;
  }

 private:
  /// The settings that a reason names; of several with one text, the one that says what came of it.
  std::vector<const ExplainedSetting*> named_in(const std::string& because,
                                                const std::string& precision) const {
    std::vector<const ExplainedSetting*> found;
    for (std::size_t at = 0; at < because.size(); ++at) {
      if (at > 0 && because[at - 1] != ' ' && because[at - 1] != '(') continue;
      const ExplainedSetting* best = nullptr;
      const auto [begin, end] = texts_.equal_range(because.substr(at, because.find(' ', at) - at));
      for (auto each = begin; each != end; ++each) {
        const ExplainedSetting& setting = each->second;
        if (because.compare(at, setting.setting.size(), setting.setting) != 0) continue;
        const auto fits = [&](const ExplainedSetting& it) {
          return std::pair(it.setting.size(), it.says == precision);
        };
        if (!best || fits(setting) > fits(*best)) best = &setting;
      }
      if (best) found.push_back(best);
    }
    return found;
  }

  /// The settings that are the reason, of the slot or, where that repeats it, of the device, stand first if
  /// they speak of other slots or nodes. There are none: a rule is the reason.
  void name_deciders(ExplainedSlot& slot, const NodePlan& entry) const {
    std::vector<const ExplainedSetting*> deciders = named_in(slot.because, slot.precision);
    if (slot.because.find("runs on the CPU") != std::string::npos) {
      for (const ExplainedSetting* each : named_in(entry.device_because, slot.precision))
        deciders.push_back(each);
    }
    slot.rule = deciders.empty();
    std::size_t first = 0;
    for (const ExplainedSetting* decider : deciders) {
      const bool known = std::any_of(slot.settings.begin(), slot.settings.end(),
                                     [&](const auto& each) { return each.setting == decider->setting; });
      if (!known)
        slot.settings.insert(slot.settings.begin() + static_cast<std::ptrdiff_t>(first++), *decider);
    }
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
    if (const Value* root = node.output_count() > 0 ? repeated_by(node.output(0)) : nullptr) {
      slot.because += ": " + plan_.values.at(root).because;
    }
    if (!unit || unit->nodes.back() == &node) return slot;
    const Node& last = *unit->nodes.back();
    const Decision* decision = plan_.decision_of(last.output(0));
    const std::string more = decision ? besides(last.output(0), *decision) : "";
    slot.because +=
        fmt::format("; the unit makes '{}', {}{}: {}", last.output(0).name(), precision_of(last.output(0)),
                    more.empty() ? "" : " (" + more + ")", plan_.of(last)->output_because);
    return slot;
  }

  /// The quantised value that the result hands on; null: it is none of a passive operator.
  const Value* repeated_by(const Value& result) const {
    const auto at = plan_.same_as.find(&result);
    return at != plan_.same_as.end() && plan_.values.contains(at->second) ? at->second : nullptr;
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
    const Value* root = repeated_by(value);
    const auto known = plan_.known_scales.find(root ? root : &value);
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

  /// Of a constant in arithmetic, whose dtype can be said: what names it, and what speaks of its reader.
  std::vector<ExplainedSetting> said_of_constant(const Value& constant, const Node& reader) const {
    std::set<const Setting*> said;
    const auto insert = [&](const std::vector<const Setting*>& settings) {
      for (const Setting* setting : settings) {
        if (setting->says_precision()) said.insert(setting);
      }
    };
    insert(settings_.all(constant));
    insert(settings_.all(reader, Slot::kOutput));
    std::vector<ExplainedSetting> explained;
    for (const Setting* each : said) explained.push_back({to_text(*each), to_text(each->says), ""});
    return explained;
  }

  const Plan& plan_;
  const NodeSettings& settings_;
  std::unordered_multimap<std::string, ExplainedSetting> texts_;  // by the first word of the setting's text
};

}  // namespace

std::vector<ExplainedNode> explain_those(const Decided& decided, const std::vector<const Value*>& inputs,
                                         const std::vector<const Value*>& constants,
                                         const std::vector<const Node*>& nodes) {
  const Explainer explainer(decided);
  std::vector<ExplainedNode> explained;
  for (const Value* input : inputs) explained.push_back(explainer.input(*input));
  for (const Value* constant : constants) explained.push_back(explainer.constant(*constant));
  for (const Node* node : nodes) explained.push_back(explainer.node(*node));
  return explained;
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
