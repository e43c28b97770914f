#include "passes/share_scales.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>
#include <vector>

#include "ir/walk.h"
#include "passes/weight_decisions.h"
#include "plan/because.h"

namespace qprep {
namespace {

/// Result: the values have one scale, and their reasons say so.
void share_scale(const std::vector<const Value*>& values, const Reason& why, Plan& plan) {
  const Decision* first = nullptr;
  for (const Value* value : values) {
    const auto at = plan.values.find(value);
    if (at == plan.values.end() || at->second.fixed || at->second.role != Role::kActivation) continue;
    if (first && first->spec != at->second.spec) return;
    if (!first) first = &at->second;
  }
  const Value* head = nullptr;
  std::vector<const Value*> members;
  for (const Value* value : values) {
    const auto at = plan.values.find(value);
    if (at == plan.values.end() || at->second.fixed || at->second.role != Role::kActivation) continue;
    if (plan.shared_scales.contains(value)) continue;
    if (!head) head = value;
    members.push_back(value);
  }
  if (members.size() < 2) return;
  for (const Value* value : members) {
    plan.shared_scales.emplace(value, head);
    plan.values.at(value).because.append(why);
  }
}

/// What all calls of a shared module make, where the settings for all of them say so.
void share_between_calls(const DataFlow& flow, const NodeSettings& settings, Plan& plan) {
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
    share_scale(results, why, plan);
  }
}

/// What one turn of a loop makes for the next one, and what that reads.
void share_between_turns(const DataFlow& flow, Plan& plan) {
  for (const Graph* graph : flow.graphs()) {
    for (std::size_t i = 0; graph->holder() && i < graph->outputs().size(); ++i) {
      const Value* next = next_turn_of(*graph, i);
      const Value* made = graph->outputs()[i];
      if (next && next != made) {
        share_scale(
            {next, made},
            fmt::format("; '{}' is '{}' of the next turn, with one scale", next->name(), made->name()), plan);
      }
    }
  }
}

}  // namespace

void share_scales(const DataFlow& flow, const NodeSettings& settings, Plan& plan) {
  share_between_calls(flow, settings, plan);
  share_between_turns(flow, plan);
}

}  // namespace qprep
