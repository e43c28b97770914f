#pragma once

#include "ir/graph.h"
#include "plan/plan.h"
#include "support/diagnostics.h"

namespace qprep {

/// Warns of the places of the configuration whose settings decide nothing: all that they speak of is decided
/// by others, or by rules, against them (kNeverWins), or they name only what they cannot affect (kNoEffect).
/// Given: the plan is decided.
void warn_of_idle_settings(const Graph& graph, const Plan& plan, Diagnostics& diagnostics);

}  // namespace qprep
