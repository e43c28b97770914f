#include "passes/unit_objections.h"

#include <algorithm>
#include <vector>

#include "ir/name_of.h"
#include "passes/size_remedies.h"
#include "passes/target_judge.h"
#include "passes/unit_entries.h"
#include "plan/because.h"

namespace qprep {
namespace {

bool is_stub(const Setting& setting) { return setting.selector.kind == Selector::Kind::kOutside; }

}  // namespace

bool has_stubs(const NodeSettings& settings) { return std::ranges::any_of(settings.settings(), is_stub); }

std::string remedy_of_head_and_tail(const NodeSettings& settings) {
  const std::string& head = settings.head().what;  // files of other tools say nothing of it
  if (!head.starts_with("method") && !head.starts_with("stubs")) return "";
  if (has_stubs(settings)) return "quantise all: 'method: jit' without 'stubs'";
  const bool all_quantised = settings.head().precision() != Precision::kFloat32 &&
                             settings.tail().precision() != Precision::kFloat32;
  return all_quantised ? "" : "quantise all: 'method: jit'";
}

bool UnitObjections::in_float_tail(const Unit& unit) const {
  return settings_.tail().precision() == Precision::kFloat32 && !settings_.winner(unit).places_nodes() &&
         flow_.of(unit.nodes.back()->output(0)).tail;
}

bool UnitObjections::in_head(const Unit& unit) const {
  const ValueFlow& flow = flow_.of(unit.nodes.back()->output(0));
  return flow.runtime && flow.before_gemm && !flow.begun;
}

bool UnitObjections::in_float_head(const Unit& unit) const {
  return settings_.head().precision() == Precision::kFloat32 && !settings_.winner(unit).places_nodes() &&
         in_head(unit);
}

Reason UnitObjections::keepers(const Unit& unit) const {
  Reason keepers;
  for (const Node* node : unit.nodes) {
    if (const Setting* keeper = settings_.keeps_from_skip(*node)) keepers.add(*keeper);
    const auto input = flow_.traits(*node).weight;
    const Value* weight = input ? weight_of(flow_, *node, *input) : nullptr;
    const auto kept = weight ? weights_.keepers.find(weight) : weights_.keepers.end();
    if (kept != weights_.keepers.end()) keepers.add(*kept->second);
  }
  const Setting& winner = settings_.winner(unit);
  const Setting* next = settings_.runner_up(unit.nodes, Slot::kOutput, winner);
  if (next && next->precision() == Precision::kFloat32 && !next->names_nodes()) keepers.add(winner);
  if (flow_.traits(*unit.nodes.front()).op_class == OpClass::kGemmLike) return keepers;
  const auto keep_from = [&](const Setting& rule) {
    const bool is_float = rule.precision() == Precision::kFloat32;
    if (is_float != winner.places_nodes() || (!is_float && rule.where.file.empty())) return;
    keepers.add(is_float ? winner : rule);
  };
  if (in_head(unit)) keep_from(settings_.head());
  if (flow_.of(unit.nodes.back()->output(0)).tail) keep_from(settings_.tail());
  return keepers;
}

const Setting* UnitObjections::leaves_to_rules(const Unit& unit) const {
  const Setting& winner = settings_.winner(unit);
  if (winner.places_nodes()) return nullptr;
  const Setting* next = settings_.runner_up(unit.nodes, Slot::kOutput, winner);
  return next && next->places_nodes() ? &winner : nullptr;
}

Reason UnitObjections::to(const Unit& unit) const {
  if (Reason reason = of_data(unit, true); !reason.empty()) return reason;
  if (flow_.traits(*unit.nodes.front()).op_class == OpClass::kGemmLike) return "";
  if (in_float_tail(unit)) {
    return by_rule(unit, because("in the tail: no gemm_like operator follows ({})", settings_.tail()));
  }
  if (in_float_head(unit)) {
    return by_rule(unit, because("in the head: it prepares an input of the network ({})", settings_.head()));
  }
  return of_use(unit);
}

Reason UnitObjections::by_rule(const Unit& unit, Reason why) const {
  if (const Setting* setting = leaves_to_rules(unit)) why.add(*setting);
  return why;
}

/// Of what it is, reads and makes. `with_settings`: and of what leaves it float by name.
Reason UnitObjections::of_data(const Unit& unit, bool with_settings) const {
  if (!unit.on_cpu.empty()) return unit.on_cpu;
  for (const Node* node : unit.nodes) {
    if (const Setting* skip = with_settings ? settings_.skip(*node) : nullptr) {
      return because("{} stays float ({})", name_of(*node), *skip);
    }
  }
  const bool has_data = flow_.of(unit.nodes.back()->output(0)).runtime;
  Reason of_sizes;
  for (const Entry& entry : entries_of(unit, flow_)) {
    const Value* weight = weight_of(flow_, *entry.node, entry.input);
    const auto refused = weight ? weights_.refused.find(weight) : weights_.refused.end();
    if (refused != weights_.refused.end()) {
      return because("its weight '{}' stays float: {}", weight->name(), refused->second);
    }
    if (weight && weights_.decisions.contains(weight)) continue;  // its numbers were looked at
    if (const auto why = flow_.objection(*entry.node, entry.input)) {
      Reason stays = because("{} stays float: {}", name_of(entry.value()), *why);
      if (!has_data || !follows_from_sizes(entry, flow_)) return stays;
      if (of_sizes.empty()) of_sizes = std::move(stays);
    }
  }
  if (!of_sizes.empty()) return of_sizes;
  const Value& result = unit.nodes.back()->output(0);
  if (const auto why = flow_.result_objection(result)) {
    return because("its result {} stays float: {}", name_of(result), *why);
  }
  return "";
}

/// Of who reads what it makes.
Reason UnitObjections::of_use(const Unit& unit) const {
  const Value& result = unit.nodes.back()->output(0);
  if (!flow_.of(result).carries) return "it computes from shapes, integers and constants alone";
  if (!flow_.of(result).reaches) return "its result only leads to shapes, indices, coordinates or conditions";
  return "";
}

std::string UnitObjections::remedy_of_borders(const Unit& unit, const Judge& judge) const {
  const bool is_layer = flow_.traits(*unit.nodes.front()).op_class == OpClass::kGemmLike;
  bool by_stub = false;
  for (const Node* node : unit.nodes) {
    if (!settings_.skip(*node)) continue;
    by_stub = true;
    const std::vector<const Setting*> all = settings_.all(*node, Slot::kNode);
    if (!std::ranges::all_of(all, [](const Setting* each) { return is_stub(*each); })) return "";
  }
  if (!by_stub && (is_layer || (!in_float_tail(unit) && !in_float_head(unit)))) return "";
  const std::string quantise_all = remedy_of_head_and_tail(settings_);
  if (quantise_all.empty()) return "";
  if (!of_data(unit, false).empty() || (!is_layer && !of_use(unit).empty())) return "";
  if (judge(false).verdict == Verdict::kBroken) {
    return by_stub || judge(true).verdict == Verdict::kBroken ? "" : std::string(kAskForBpu);
  }
  const ValueFlow& result = flow_.of(unit.nodes.back()->output(0));
  const bool beyond_rule = !is_layer && (result.tail || (result.before_gemm && !result.begun));
  return by_stub && !beyond_rule ? std::string(kLeaveOutStubs) : quantise_all;
}

}  // namespace qprep
