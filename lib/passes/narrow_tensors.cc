#include "passes/narrow_tensors.h"

#include <fmt/format.h>

#include "config/march.h"
#include "passes/target_judge.h"
#include "passes/unit_entries.h"
#include "passes/weight_decisions.h"

namespace qprep {
namespace {

constexpr Precision kWide = Precision::kInt16;

class Finder {
 public:
  Finder(const DataFlow& flow, const TargetJudge& target, NarrowTensors& narrow)
      : flow_(flow), target_(target), narrow_(narrow) {}

  /// Given: the unit runs quantised, and the target has a table.
  void look_at(const Unit& unit) {
    const Value& result = unit.nodes.back()->output(0);
    if (!target_.makes(unit, kWide)) add(result, "makes", *unit.nodes.front());
    look_behind(result);
    for (const Entry& entry : entries_of(unit, flow_)) {
      if (weight_of(flow_, *entry.node, entry.input)) continue;
      if (!target_.takes(unit, *entry.node, kWide)) add(*flow_.of(entry.value()).root, "takes", *entry.node);
      look_ahead(entry.value());
    }
  }

 private:
  void add(const Value& value, const char* does, const Node& node) {
    narrow_.emplace(&value, fmt::format("since {} {} no qint16 in {}", target_.march(), does, name_of(node)));
  }

  /// Of what moves a value: it takes no int16, and would run on the BPU.
  void look_at_passive(const Node& node, const Value& root) {
    if (target_.takes(node, kWide) || target_.of_single(node).verdict == Verdict::kBroken) return;
    add(root, "takes", node);
  }

  /// What the value came through.
  void look_ahead(const Value& value) {
    const Value& root = *flow_.of(value).root;
    for (const Node* node = flow_.of(value).through; node;) {
      look_at_passive(*node, root);
      node = flow_.of(*node->input(flow_.traits(*node).data.front())).through;
    }
  }

  /// What moves the result of a unit, which exists only quantised.
  void look_behind(const Value& result) {
    std::vector<const Value*> waiting{&result};
    while (!waiting.empty()) {
      const Value& value = *waiting.back();
      waiting.pop_back();
      for (const Use& use : value.uses()) {
        if (!flow_.knows(*use.node) || !flow_.traits(*use.node).is_data(use.input)) continue;
        const Value& moved = use.node->output(0);
        if (flow_.of(moved).through != use.node || flow_.of(moved).root != &result) continue;
        look_at_passive(*use.node, result);
        waiting.push_back(&moved);
      }
    }
  }

  const DataFlow& flow_;
  const TargetJudge& target_;
  NarrowTensors& narrow_;
};

/// What a layer adds has to be int8.
void find_addends(const Unit& unit, const DataFlow& flow, const March& march, NarrowTensors& narrow) {
  if (flow.traits(*unit.nodes.front()).op_class != OpClass::kGemmLike) return;
  for (const Value* addend : unit.addends) {
    narrow.emplace(flow.of(*addend).root,
                   fmt::format("since the unit {} of {} adds it, and {} adds nothing in qint16", unit.pattern,
                               name_of(*unit.nodes.front()), march.name));
  }
}

}  // namespace

void find_narrow_tensors(const std::vector<Unit>& units, const std::function<bool(const Unit&)>& runs,
                         const DataFlow& flow, const TargetJudge& target, const March* march,
                         NarrowTensors& narrow) {
  Finder finder(flow, target, narrow);
  for (const Unit& unit : units) {
    if (target.has_table() && runs(unit)) finder.look_at(unit);
  }
  for (const Unit& unit : units) {
    if (march && !march->int16_addends && runs(unit)) find_addends(unit, flow, *march, narrow);
  }
}

}  // namespace qprep
