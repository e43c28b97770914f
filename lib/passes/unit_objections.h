#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "passes/data_flow.h"
#include "passes/weight_decisions.h"
#include "plan/node_settings.h"
#include "plan/plan.h"
#include "plan/reason.h"
#include "target/capability.h"

namespace qprep {

/// The configuration has stubs.
bool has_stubs(const NodeSettings& settings);
/// The remedy of what they alone keep on the CPU.
inline constexpr std::string_view kLeaveOutStubs = "leave out 'stubs'";
/// What quantises the head and the tail like the rest, where the configuration leaves one float, or has
/// stubs; empty: it does neither, or is another tool's.
std::string remedy_of_head_and_tail(const NodeSettings& settings);

/// Why units stay on the CPU whatever the target can run.
class UnitObjections {
 public:
  /// Given: all outlive it.
  UnitObjections(const DataFlow& flow, const WeightDecisions& weights, const NodeSettings& settings)
      : flow_(flow), weights_(weights), settings_(settings) {}

  /// Why the unit cannot run quantised, first what known sizes would not change; empty: it may.
  Reason to(const Unit& unit) const;
  /// The rule of the tail leaves it float. A setting of its own lifts a unit out of it.
  bool in_float_tail(const Unit& unit) const;
  /// The settings without which a unit that runs quantised would not: later ones would leave one of its nodes
  /// float, its weight, or activations as such; or a rule would, of head or tail. No words.
  Reason keepers(const Unit& unit) const;
  /// The reason, of the rules of head, tail and high-precision outputs; and the setting that leaves the unit
  /// to them since it names no node, where the next one does.
  Reason by_rule(const Unit& unit, Reason why) const;

  /// What the target says of the unit; with true, as if a setting named it.
  using Judge = std::function<Judgement(bool by_name)>;
  /// What the configuration would have to say of its head, tail and stubs for the unit to run on the BPU,
  /// where nothing but these keeps it on the CPU; empty: something else does, or the file is another tool's.
  std::string remedy_of_borders(const Unit& unit, const Judge& judge) const;

 private:
  bool in_float_head(const Unit& unit) const;
  bool in_head(const Unit& unit) const;
  const Setting* leaves_to_rules(const Unit& unit) const;
  Reason of_data(const Unit& unit, bool with_settings) const;
  Reason of_use(const Unit& unit) const;

  const DataFlow& flow_;
  const WeightDecisions& weights_;
  const NodeSettings& settings_;
};

}  // namespace qprep
