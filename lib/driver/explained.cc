#include "driver/explained.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "plan/node_settings.h"

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
    if (unit && unit->nodes.size() > 1) {
      for (const Node* member : unit->nodes) explained.unit.push_back(member->label());
    }
    explained.slots.push_back({"output", precision_of(node), entry.output_because, {}});
    const bool makes_result = !unit || unit->nodes.back() == &node;
    if (makes_result) {
      explained.slots.back().settings =
          unit ? said_of(unit->nodes, Slot::kOutput) : said_of({&node}, Slot::kOutput);
    }
    if (!entry.weight_because.empty()) {
      explained.slots.push_back(
          {"weight", weight_of(node), entry.weight_because, said_of({&node}, Slot::kWeight)});
    }
    for (const Value* read : node.inputs()) {
      const Decision* decision = read ? plan_.decision_of(*read) : nullptr;
      if (!decision || decision->role != Role::kConstant) continue;
      explained.slots.push_back({fmt::format("constant '{}'", read->name()),
                                 std::string(to_text(decision->spec.precision)),
                                 decision->because,
                                 {}});
    }
    for (ExplainedSlot& slot : explained.slots) mark_rule(slot);
    return explained;
  }

  ExplainedNode input(const Value& input) const {
    ExplainedNode explained;
    explained.name = input.name();
    explained.op = "input";
    ExplainedSlot slot{"output", precision_of(input), "", {}};
    const auto decided = plan_.values.find(&input);
    const auto left = plan_.not_quantised.find(&input);
    slot.because = decided != plan_.values.end()       ? decided->second.because
                   : left != plan_.not_quantised.end() ? left->second
                                                       : "its elements are not quantised";
    for (const Setting* setting : settings_.all(input)) {
      slot.settings.push_back({to_text(*setting), to_text(setting->says), ""});
    }
    mark_rule(slot);
    explained.slots.push_back(std::move(slot));
    return explained;
  }

 private:
  static void mark_rule(ExplainedSlot& slot) {
    slot.rule = std::none_of(slot.settings.begin(), slot.settings.end(), [&](const ExplainedSetting& each) {
      return slot.because.find(each.setting) != std::string::npos;
    });
  }

  std::string precision_of(const Node& node) const {
    return node.output_count() == 0 ? "" : precision_of(node.output(0));
  }

  std::string precision_of(const Value& result) const {
    if (const Decision* decision = plan_.decision_of(result))
      return std::string(to_text(decision->spec.precision));
    return result.type().kind == Type::Kind::kTensor ? to_text(result.type().dtype) : "?";
  }

  std::string weight_of(const Node& node) const {
    for (const Value* input : node.inputs()) {
      const Decision* decision = input ? plan_.decision_of(*input) : nullptr;
      if (decision && decision->role == Role::kWeight) return std::string(to_text(decision->spec.precision));
    }
    return "float32";
  }

  /// The settings for any of the nodes, the one that counts first; each once.
  std::vector<ExplainedSetting> said_of(const std::vector<const Node*>& nodes, Slot slot) const {
    std::vector<std::pair<const Setting*, const Node*>> said;
    std::set<const Setting*> known;
    for (const Node* node : nodes) {
      for (const Setting* setting : settings_.all(*node, slot)) {
        if (known.insert(setting).second) said.emplace_back(setting, node);
      }
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
