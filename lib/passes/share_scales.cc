#include "passes/share_scales.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>
#include <vector>

#include "ir/walk.h"
#include "passes/weight_decisions.h"
#include "plan/because.h"
#include "support/text.h"

namespace qprep {
namespace {

/// Sets of values that have one scale: what is joined with one of two sets is joined with both.
class CommonScales {
 public:
  explicit CommonScales(Plan& plan) : plan_(plan) {}

  /// Whether the value's scale is observed, so that it can be another tensor's too.
  bool is_observed(const Value& value) const {
    const auto at = plan_.values.find(&value);
    return at != plan_.values.end() && !at->second.fixed && at->second.role == Role::kActivation;
  }
  const QuantSpec& spec_of(const Value& value) const { return plan_.values.at(&value).spec; }

  /// Result: those of the values that are observed have one scale, and their reasons say so. Not where they
  /// are to be quantised in different ways.
  void join_all(const std::vector<const Value*>& values, const Reason& why) {
    std::vector<const Value*> members;
    for (const Value* value : values) {
      if (!is_observed(*value)) continue;
      if (!members.empty() && spec_of(*members.front()) != spec_of(*value)) return;
      if (std::find(members.begin(), members.end(), value) == members.end()) members.push_back(value);
    }
    join(members, why);
  }

  /// Given: each is observed, all alike.
  void join(const std::vector<const Value*>& members, const Reason& why) {
    if (members.size() < 2) return;
    for (const Value* value : members) {
      parent_.try_emplace(value, value);
      parent_[root_of(value)] = root_of(members.front());
      plan_.values.at(value).because.append(why);
    }
  }

  void write() {
    for (const auto& [value, parent] : parent_) plan_.shared_scales.emplace(value, root_of(parent));
  }

 private:
  const Value* root_of(const Value* value) {
    while (parent_.at(value) != value) value = parent_[value] = parent_.at(parent_.at(value));
    return value;
  }

  Plan& plan_;
  std::unordered_map<const Value*, const Value*> parent_;
};

/// What all calls of a shared module make, where the settings for all of them say so.
void share_between_calls(const DataFlow& flow, const NodeSettings& settings, const Plan& plan,
                         CommonScales& scales) {
  std::unordered_map<const Value*, std::vector<const Unit*>> calls;
  std::vector<const Value*> weights;
  for (const Unit& unit : plan.units) {
    for (const Node* node : unit.nodes) {
      const auto input = flow.traits(*node).weight;
      const Value* weight = input ? weight_of(flow, *node, *input) : nullptr;
      if (!weight) continue;
      if (calls[weight].empty()) weights.push_back(weight);
      calls[weight].push_back(&unit);
    }
  }
  for (const Value* weight : weights) {
    std::vector<const Setting*> share;
    std::vector<const Value*> results;
    for (const Unit* unit : calls[weight]) {
      const Setting* said = settings.find(*unit, Aspect::kShare);
      if (!said || !std::get<SharedScale>(said->says).value) {
        share.clear();
        break;
      }
      if (std::ranges::find(share, said) == share.end()) share.push_back(said);
      results.push_back(&unit->nodes.back()->output(0));
    }
    if (share.empty()) continue;
    // Without any of them, some call would not share.
    std::ranges::sort(share);
    Reason why = because("; one scale for all calls with '{}' ({}", weight->name(), *share.front());
    for (std::size_t i = 1; i < share.size(); ++i) why.append(because(", {}", *share[i]));
    why.append(")");
    scales.join_all(results, why);
  }
}

/// What one turn of a loop makes for the next one, and what that reads.
void share_between_turns(const DataFlow& flow, CommonScales& scales) {
  for (const Graph* graph : flow.graphs()) {
    for (std::size_t i = 0; graph->holder() && i < graph->outputs().size(); ++i) {
      const Value* next = next_turn_of(*graph, i);
      const Value* made = graph->outputs()[i];
      if (next && next != made) {
        scales.join_all({next, made}, fmt::format("; '{}' is '{}' of the next turn, with one scale",
                                                  next->name(), made->name()));
      }
    }
  }
}

/// The tensors that the unit reads quantised, at their roots, each once.
std::vector<const Value*> read_by(const Unit& unit, const DataFlow& flow, const Plan& plan) {
  std::vector<const Value*> roots;
  for (const Node* node : unit.nodes) {
    const NodePlan* entry = plan.of(*node);
    for (const std::size_t input : entry ? entry->quantised_inputs : std::vector<std::size_t>()) {
      const Value* root = flow.of(*node->input(input)).root;
      if (plan.values.contains(root) && std::find(roots.begin(), roots.end(), root) == roots.end()) {
        roots.push_back(root);
      }
    }
  }
  return roots;
}

/// Why the value cannot have the scale of tensors that are to be quantised like `spec`; empty: it can.
std::string why_apart(const Value& value, const QuantSpec& spec, const CommonScales& scales,
                      const Plan& plan) {
  const Decision& decision = plan.values.at(&value);
  if (decision.role != Role::kActivation) return "a constant";
  if (!scales.is_observed(value)) return "its scale is given";
  if (decision.spec.precision != spec.precision) return std::string(to_text(decision.spec.precision));
  return decision.spec == spec ? "" : "observed in another way";
}

/// What one node reads and makes, where the settings for it say so. Of tensors that differ, those that are
/// like the result have its scale, and the others are requantised.
void share_at_nodes(const DataFlow& flow, const NodeSettings& settings, Plan& plan, CommonScales& scales) {
  for (const Unit& unit : plan.units) {
    const Setting* same = settings.find(unit, Aspect::kSameScale);
    if (!same || !std::get<SameScale>(same->says).value) continue;
    const Value& result = unit.nodes.back()->output(0);
    if (flow.traits(*unit.nodes.front()).op_class != OpClass::kActive || !scales.is_observed(result))
      continue;
    ScaleGroup group{unit.nodes.back(), same, {&result}, {}};
    for (const Value* value : read_by(unit, flow, plan)) {
      const std::string why = why_apart(*value, scales.spec_of(result), scales, plan);
      if (why.empty()) {
        group.members.push_back(value);
      } else {
        group.stay_apart.push_back(fmt::format("'{}' ({})", value->name(), why));
      }
    }
    const std::string apart =
        group.stay_apart.empty() ? "" : fmt::format(", but for {}", join(group.stay_apart, " and "));
    scales.join(group.members, because("; one scale for what {} reads and makes{} ({})", name_of(*group.node),
                                       apart, *same));
    plan.scale_groups.push_back(std::move(group));
  }
}

}  // namespace

void share_scales(const DataFlow& flow, const NodeSettings& settings, Plan& plan) {
  CommonScales scales(plan);
  share_between_calls(flow, settings, plan, scales);
  share_between_turns(flow, scales);
  share_at_nodes(flow, settings, plan, scales);
  scales.write();
}

}  // namespace qprep
