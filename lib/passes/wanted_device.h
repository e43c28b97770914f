#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"
#include "support/diagnostics.h"

namespace qprep {

/// A warning (not-on-bpu) for each of these nodes that the plan puts on the CPU, with the plan's reason; an
/// error (no-match) for a name that the model lacks.
void warn_of_nodes_not_on_bpu(const Model& model, const Plan& plan,
                              const std::vector<std::pair<std::string, Where>>& wanted,
                              Diagnostics& diagnostics);

}  // namespace qprep
