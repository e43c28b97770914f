#include "passes/shared_calls.h"

#include <algorithm>
#include <fmt/format.h>

#include "passes/data_flow.h"

namespace qprep {

SharedCalls::SharedCalls(const Plan& plan) : plan_(plan) {
  for (const Unit& unit : plan.units) {
    for (const Node* node : unit.nodes) {
      const Value* weight = plan.weight_read_by(*node);
      if (!weight) continue;
      Calls& calls = calls_[weight];
      if (calls.empty()) weights_.push_back(weight);
      calls.push_back(&unit);
    }
  }
}

bool SharedCalls::names(const Setting& setting, const Unit& unit) const {
  return std::any_of(unit.nodes.begin(), unit.nodes.end(), [&](const Node* node) {
    const std::vector<const Setting*> all = plan_.settings->all(*node, Slot::kOutput);
    return std::find(all.begin(), all.end(), &setting) != all.end();
  });
}

std::vector<const Value*> SharedCalls::named_by(const Setting& setting) const {
  std::vector<const Value*> weights;
  std::copy_if(weights_.begin(), weights_.end(), std::back_inserter(weights), [&](const Value* weight) {
    const Calls& calls = calls_.at(weight);
    return std::any_of(calls.begin(), calls.end(), [&](const Unit* unit) { return names(setting, *unit); });
  });
  return weights;
}

bool SharedCalls::has_effect(const Setting& setting) const {
  const std::vector<const Value*> weights = named_by(setting);
  return std::any_of(weights.begin(), weights.end(), [&](const Value* weight) {
    const Calls& calls = calls_.at(weight);
    return calls.size() > 1 && std::any_of(calls.begin(), calls.end(), [&](const Unit* unit) {
             return plan_.shared_scales.contains(&unit->nodes.back()->output(0));
           });
  });
}

std::string SharedCalls::why_idle(const Setting& setting) const {
  const std::vector<const Value*> weights = named_by(setting);
  if (weights.empty()) return "it names no node with a quantised weight";
  const auto is_called_again = [&](const Value* weight) { return calls_.at(weight).size() > 1; };
  const auto weight = std::find_if(weights.begin(), weights.end(), is_called_again);
  if (weight == weights.end())
    return fmt::format("only one call reads this weight, '{}'", weights.front()->name());
  for (const Unit* call : calls_.at(*weight)) {
    const Setting* said = plan_.settings->find(*call, Aspect::kShare);
    if (said && std::get<SharedScale>(said->says).value) continue;
    const std::string name = name_of(*call->nodes.front());
    if (said) return fmt::format("{} says a scale for each call, for {}", to_text(*said), name);
    return fmt::format("{} reads the weight '{}' too and is not named; it takes all calls", name,
                       (*weight)->name());
  }
  return fmt::format(
      "of what the calls with '{}' make, less than two are quantised alike with observed scales",
      (*weight)->name());
}

}  // namespace qprep
