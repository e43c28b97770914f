#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/fusion.h"
#include "config/march.h"
#include "passes/data_flow.h"
#include "plan/plan.h"

namespace qprep {

class TargetJudge;

/// Tries the patterns of configs/fusion.yaml at one node of the main graph after the other. Patterns are
/// indexed by their first operator; a try walks along single readers, so its cost does not depend on the
/// graph.
class FusionMatcher {
 public:
  /// Given: all outlive the matcher. `composites`: the composite operators of the graph, which the flow
  /// knows.
  /// `march` and `target`: null for none.
  FusionMatcher(const FusionRules& rules, const DataFlow& flow, const std::vector<Unit>& composites,
                const March* march = nullptr, const TargetJudge* target = nullptr);

  struct Result {
    std::optional<Unit> unit;         // of the longest pattern that matches and has more than one node
    const Unit* composite = nullptr;  // the composite operator that the unit takes in
    std::optional<Miss> miss;         // the deepest try that got further than the unit
    const Node* tail_relu = nullptr;  // that would be next, but that the march runs on the CPU
  };
  /// The nodes that units have already: to these.
  using Taken = std::unordered_map<const Node*, const Unit*>;
  /// The unit that begins with `root` and has no node of `taken`. `only`, if given: nor any other than these,
  /// a composite operator's aside.
  Result match(const Node& root, const Taken& taken,
               const std::unordered_set<const Node*>* only = nullptr) const;
  /// The pattern that the node alone is: "conv". Empty: none is.
  std::string alone(const Node& node) const;

 private:
  struct Attempt;
  void extend(Attempt& attempt, const Taken& taken, const std::unordered_set<const Node*>* only) const;
  const Unit* composite_of(const Node& node, const FusionStep& step) const;
  std::string objection_to(const Attempt& attempt, const Unit& composite) const;
  std::string taken_by(const Node& node, const Unit& unit) const;
  Unit unit_of(const Attempt& attempt) const;
  void add_composite(const Attempt& attempt, Unit& unit) const;
  bool joins(Attempt& attempt, const Node& node, const FusionStep& step, std::string* why) const;
  bool operand_fits(Attempt& attempt, const Node& node, std::size_t input, const FusionOperand& operand,
                    std::string* why) const;
  bool is_channel_bias(const Node& head, const Node& add, const Value& bias) const;
  bool has_constant_root(const Value& value) const;

  const DataFlow& flow_;
  const March* march_;
  const TargetJudge* target_;
  std::unordered_map<const Node*, const Unit*> composites_;  // by their nodes
  std::unordered_map<std::string, std::vector<const FusionPattern*>> by_first_op_;
};

/// The bounds of a Clip, from its attributes or constant inputs; nullopt if they are not known.
std::optional<std::pair<double, double>> clip_bounds(const Node& clip);

}  // namespace qprep
