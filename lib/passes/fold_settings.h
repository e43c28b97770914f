#pragma once

#include <memory>
#include <span>

#include "passes/data_flow.h"
#include "plan/node_settings.h"
#include "support/diagnostics.h"

namespace qprep {

/// Finds what every setting names. Given: group-units wrote its units to `plan`.
/// Errors in `diagnostics`: a selector that matches nothing, an input that a node does not have.
std::shared_ptr<const NodeSettings> fold_settings(const Model& model, std::span<const Setting> settings,
                                                  const DataFlow& flow, const Plan& plan,
                                                  Diagnostics& diagnostics);

}  // namespace qprep
