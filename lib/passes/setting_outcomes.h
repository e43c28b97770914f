#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"
#include "plan/setting.h"

namespace qprep {

/// What came of a setting, over all that it speaks of: the outputs and weights of nodes, graph inputs, and
/// constants in arithmetic. It wins where it is among the settings of the decision's Reason.
struct SettingOutcome {
  struct Loss {
    const Setting* to = nullptr;  // null: a rule decided
    bool denied = false;          // the decision is another than the setting says
    std::size_t times = 0;
    std::string because = {};  // the first time: "Conv 'conv1': in the tail: ..."
  };

  std::size_t spoken = 0;  // of a setting that names nodes
  std::size_t won = 0;     // of one for whatever nobody names: the decisions that it made
  /// By priority of the winner, rules last; of the setting that holds for others, to those that name nodes.
  std::vector<Loss> losses = {};
  std::size_t in_vain = 0;  // what it names and cannot affect
  std::string in_vain_because = {};
};

/// By rank in plan.settings. Given: the plan is decided.
std::vector<SettingOutcome> outcomes_of(const Graph& graph, const Plan& plan);

}  // namespace qprep
