#pragma once

#include <optional>
#include <vector>

#include "config/config.h"
#include "driver/calibration.h"
#include "ir/graph.h"
#include "plan/plan.h"
#include "support/diagnostics.h"

namespace qprep {

/// What the configuration says of each observed tensor by its name, in their order; nullopt: nothing.
using TensorMethods = std::vector<std::optional<ObserverSpec>>;

/// The methods that `calibration.tensors` gives. An entry names tensors, or nodes as the selectors of
/// settings do (scopes, what was folded into a node): of these, what they or the unit that they are in make.
/// Of several entries, the first one holds.
///
/// Given: the plan is decided, and nothing is inserted yet. Diagnostics, as of those selectors: what is
/// nowhere in the model is an error (no-match) with the nearest name; what calibration does not look at a
/// warning (no-effect) with the reason.
TensorMethods methods_by_name(const Model& model, const Plan& plan, const std::vector<Observed>& observed,
                              const CalibrationConfig& config, Diagnostics& diagnostics);

}  // namespace qprep
