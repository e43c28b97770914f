#include "driver/explained.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <unordered_map>

#include "ir/held.h"
#include "ir/walk.h"
#include "plan/node_settings.h"
#include "report/ends.h"
#include "report/members.h"
#include "report/open_sizes.h"
#include "report/standing_norms.h"
#include "report/sums.h"
#include "support/text.h"

namespace qprep {
namespace {

/// What is said of a slot before it is told.
struct Said {
  const Setting* setting;
  const Node* node = nullptr;  // of a unit of several, the one that it names
};

class Explainer {
 public:
  explicit Explainer(const Decided& decided)
      : model_(decided.file.model),
        plan_(decided.plan),
        held_(model_),
        ends_(model_, plan_),
        standing_norms_(standing_norms(model_, plan_)),
        sizes_remedy_(sizes_remedy(*model_.graph)),
        settings_(*decided.plan.settings) {
    for (const Block& block : plan_.blocks) {
      for (const Node* member : block.nodes) blocks_[member].push_back(&block);
    }
    for (const Miss& miss : plan_.misses) {
      for (const Node* member : miss.nodes) misses_[member].push_back(&miss);
    }
    for (ReportSum& sum : sums_of(*model_.graph, plan_)) alone_.emplace(sum.name, std::move(sum.because));
    for (const KeptNode& each : decided.file.model.kept) kept_.emplace(each.label, &each);
    for (const GoneNode& each : decided.file.model.gone) gone_[each.label].push_back(&each);
  }

  ExplainedNode node(const Node& node) const {
    const NodePlan& entry = *plan_.of(node);
    ExplainedNode explained;
    explained.name = node.label();
    explained.op = node.op();
    explained.device = to_text(entry.device);
    explained.because = entry.device_because.text;
    explained.absorbed = held_.by(node);
    explained.made_for = node.made_for();
    if (entry.device == Device::kCpu) explained.remedy = entry.remedy;
    if (entry.device == Device::kBpu && !entry.undecided.empty()) {
      explained.undecided = entry.undecided;
      explained.remedy = sizes_remedy_;
    }
    if (const auto gone = gone_.find(node.label()); gone != gone_.end()) {
      for (const GoneNode* was : gone->second) {
        explained.was.push_back(fmt::format("{}, which {}", was->op, was->because));
      }
    }
    if (const auto standing = standing_norms_.find(&node); standing != standing_norms_.end()) {
      explained.kept = fmt::format("folded into no layer: {}", standing->second->because);
    }
    if (const auto kept = kept_.find(node.label()); kept != kept_.end()) {
      explained.kept += (explained.kept.empty() ? "" : "; ") + to_text(*kept->second);
    }
    const Unit* unit = plan_.unit_of(node);
    if (unit && (unit->nodes.size() > 1 || unit->is_composite())) {
      explained.pattern = unit->pattern;
      explained.unit = labels_of(model_, unit->nodes);
    }
    if (unit && !is_missed(*unit->nodes.front())) explained.ends_before = ends_.before(*unit);
    add_groups(node, explained);
    // That of a sequence that it could have been in is told with the sequence.
    if (const auto alone = alone_.find(node.label()); alone != alone_.end() && explained.not_fused.empty()) {
      explained.alone = alone->second;
    }
    const Reason output = output_reason(node, entry, unit);
    explained.slots.push_back(
        slot_of("output", node.output_count() == 0 ? nullptr : &node.output(0), output,
                unit ? said_of(unit->nodes, Slot::kOutput) : said_of({&node}, Slot::kOutput)));
    if (!entry.weight_because.empty()) {
      explained.slots.push_back(
          slot_of("weight", weight_read_by(node), entry.weight_because, said_of({&node}, Slot::kWeight)));
    }
    for (const Value* read : node.inputs()) {
      const Decision* decision = read ? plan_.decision_of(*read) : nullptr;
      if (!decision || decision->role != Role::kConstant) continue;
      explained.slots.push_back(slot_of(fmt::format("constant '{}'", read->name()), read, decision->because,
                                        said_of_constant(*read, node)));
    }
    add_in_vain(node, output, explained.slots.front().settings);
    mark_device(entry.device_because, explained.slots);
    return explained;
  }

  ExplainedNode input(const Value& input) const {
    ExplainedNode explained;
    explained.name = input.name();
    explained.op = "input";
    std::vector<Said> said;
    for (const Setting* setting : settings_.all(input)) said.push_back({setting});
    explained.slots.push_back(slot_of("output", &input, reason_of(input), said));
    return explained;
  }

  ExplainedNode constant(const Value& constant) const {
    ExplainedNode explained;
    explained.name = constant.name();
    explained.op = "constant";
    std::vector<Said> said;
    if (!constant.uses().empty() && plan_.of(*constant.uses().front().node)) {
      const Node& reader = *constant.uses().front().node;
      const bool weight = !plan_.of(reader)->weight_because.empty() && weight_read_by(reader) == &constant;
      said = weight ? said_of({&reader}, Slot::kWeight) : said_of_constant(constant, reader);
    }
    explained.slots.push_back(slot_of("value", &constant, reason_of(constant), said));
    return explained;
  }

 private:
  /// A sequence that begins with the node could have been longer.
  bool is_missed(const Node& node) const {
    const auto at = misses_.find(&node);
    return at != misses_.end() &&
           std::ranges::any_of(at->second, [&](const Miss* miss) { return miss->nodes.front() == &node; });
  }

  void add_groups(const Node& node, ExplainedNode& explained) const {
    if (const auto at = blocks_.find(&node); at != blocks_.end()) {
      for (const Block* block : at->second) {
        explained.blocks.push_back({block->name, labels_of(model_, block->nodes)});
      }
    }
    if (const auto at = misses_.find(&node); at != misses_.end()) {
      for (const Miss* miss : at->second) {
        explained.not_fused.push_back({miss->pattern, labels_of(model_, miss->nodes), miss->because});
      }
    }
  }

  static ExplainedSetting of(const Setting& setting) {
    return {to_text(setting), std::string(to_text(setting.slot)), said_by(setting)};
  }

  /// A setting that no slot lists stands first in the first slot.
  static void mark_device(const Reason& device, std::vector<ExplainedSlot>& slots) {
    std::vector<ExplainedSetting> unlisted;
    for (const Setting* decider : device.settings) {
      ExplainedSetting as_said = of(*decider);
      bool listed = false;
      for (ExplainedSlot& slot : slots) {
        for (ExplainedSetting& each : slot.settings) {
          if (each.setting != as_said.setting || each.slot != as_said.slot || each.says != as_said.says)
            continue;
          listed = each.decides_device = true;
        }
      }
      as_said.decides_device = true;
      if (!listed) unlisted.push_back(std::move(as_said));
    }
    std::vector<ExplainedSetting>& first = slots.front().settings;
    first.insert(first.begin(), unlisted.begin(), unlisted.end());
  }

  Reason reason_of(const Value& value) const {
    const Reason* why = plan_.reason_of(value);
    return why ? *why : Reason("its elements are not quantised");
  }

  /// The reasons that speak of other slots or nodes stand first.
  ExplainedSlot slot_of(std::string slot, const Value* value, const Reason& because,
                        std::vector<Said> said) const {
    ExplainedSlot explained{std::move(slot),         value ? precision_of(*value) : "", "", because.text, {},
                            because.settings.empty()};
    if (const Decision* decision = value ? plan_.decision_of(*value) : nullptr) {
      explained.besides = besides(*value, *decision);
    }
    std::ptrdiff_t others = 0;
    for (const Setting* decider : because.settings) {
      const auto is_decider = [decider](const Said& each) { return each.setting == decider; };
      if (std::none_of(said.begin(), said.end(), is_decider)) said.insert(said.begin() + others++, {decider});
    }
    for (const auto& [setting, node] : said) {
      explained.settings.push_back(of(*setting));
      if (node) explained.settings.back().node = node->label();
      explained.settings.back().decides =
          std::ranges::find(because.settings, setting) != because.settings.end();
      explained.settings.back().goes_before_all = is_of_ends(*setting) && above(said, *setting);
    }
    return explained;
  }

  static bool is_of_ends(const Setting& setting) {
    return !setting.names_nodes() && (setting.slot == Slot::kHighPrecision || setting.slot == Slot::kTail ||
                                      setting.slot == Slot::kHead);
  }

  /// A setting for the dtype of all nodes stands before this one.
  static bool above(const std::vector<Said>& said, const Setting& setting) {
    for (const Said& each : said) {
      if (each.setting == &setting) return false;
      if (!each.setting->names_nodes() && each.setting->says_precision() && !is_of_ends(*each.setting))
        return true;
    }
    return false;
  }

  /// A node inside a unit makes nothing of its own: the settings for it speak of the unit's result.
  Reason output_reason(const Node& node, const NodePlan& entry, const Unit* unit) const {
    Reason because = entry.output_because;
    if (const Value* root = node.output_count() > 0 ? repeated_by(node.output(0)) : nullptr) {
      because.append(": ");
      because.append(plan_.values.at(root).because);
    }
    if (unit && unit->nodes.back() != &node) {
      const Node& last = *unit->nodes.back();
      const Decision* decision = plan_.decision_of(last.output(0));
      const std::string more = decision ? besides(last.output(0), *decision) : "";
      because.append(fmt::format("; the unit makes '{}', {}{}: ", last.output(0).name(),
                                 precision_of(last.output(0)), more.empty() ? "" : " (" + more + ")"));
      because.append(plan_.of(last)->output_because);
    }
    return because;
  }

  /// The settings that name the node, cannot affect it, and do not decide its output by what they name
  /// besides.
  void add_in_vain(const Node& node, const Reason& because, std::vector<ExplainedSetting>& settings) const {
    for (const Setting* setting : settings_.in_vain(node)) {
      if (std::ranges::find(because.settings, setting) != because.settings.end()) continue;
      settings.push_back(of(*setting));
      settings.back().in_vain = true;
    }
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
    if (decision.role != Role::kWeight && decision.spec.channel_axis >= 0) parts.emplace_back("per channel");
    if (const std::string scheme = to_text(decision.spec.scheme); !scheme.empty()) parts.push_back(scheme);
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
    if (const Decision* decision = plan_.decision_of(result)) return std::string(to_text(decision->spec));
    return result.type().kind == Type::Kind::kTensor ? to_text(result.type().dtype) : "?";
  }

  /// The quantised weight, else the input that would be it.
  const Value* weight_read_by(const Node& node) const {
    if (const Value* weight = plan_.weight_read_by(node)) return weight;
    return node.input_count() > 1 ? node.input(1) : nullptr;
  }

  /// The settings for any of the nodes, the one that counts first; each once.
  std::vector<Said> said_of(const std::vector<const Node*>& nodes, Slot slot) const {
    std::vector<Said> said;
    std::set<const Setting*> known;
    const auto add = [&](const Setting* setting, const Node* node) {
      if (!known.insert(setting).second) return;
      said.push_back({setting, setting->names_nodes() && nodes.size() > 1 ? node : nullptr});
    };
    for (const Node* node : nodes) {
      for (const Setting* setting : settings_.all(*node, slot)) add(setting, node);
      if (const Setting* skip = settings_.skip(*node)) add(skip, node);
      if (slot != Slot::kOutput || !plan_.of(*node)->high_precision) continue;
      for (const Setting* setting : settings_.all_high_precision()) add(setting, node);
    }
    std::ranges::sort(said, {}, &Said::setting);
    return said;
  }

  /// Of a constant in arithmetic, whose dtype can be said: what names it, and what speaks of its reader.
  std::vector<Said> said_of_constant(const Value& constant, const Node& reader) const {
    std::set<const Setting*> settings;
    const auto insert = [&](const std::vector<const Setting*>& those) {
      for (const Setting* setting : those) {
        if (setting->says_precision()) settings.insert(setting);
      }
    };
    insert(settings_.all(constant));
    insert(settings_.all(reader, Slot::kOutput));
    std::vector<Said> said;
    for (const Setting* each : settings) said.push_back({each});
    return said;
  }

  const Model& model_;
  const Plan& plan_;
  std::unordered_map<const Node*, std::vector<const Block*>> blocks_;
  std::unordered_map<const Node*, std::vector<const Miss*>> misses_;
  std::unordered_map<std::string_view, const KeptNode*> kept_;               // by label
  std::unordered_map<std::string_view, std::vector<const GoneNode*>> gone_;  // likewise
  std::unordered_map<std::string, std::string> alone_;                       // likewise: sums
  Held held_;
  Ends ends_;
  std::unordered_map<const Node*, const StandingNorm*> standing_norms_;
  std::string sizes_remedy_;
  const NodeSettings& settings_;
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
  for (const Node* node : nodes_with_bodies(graph)) all.push_back(explainer.node(*node));
  return all;
}

}  // namespace qprep
