#pragma once

#include <unordered_set>

#include "ir/graph.h"
#include "plan/plan.h"
#include "report/report.h"

namespace qprep {

/// The borders of what the rules of head and tail, or stubs, leave to be quantised: where it begins, which
/// may be at an input of the model, and where it ends; none where nothing stays float for that. A tensor that
/// crosses is read, or made, by a node within. What moves elements in float for nodes beyond a border alone
/// is beyond it too. Given: the plan is decided; `without_data` compute from constants and shapes alone.
ReportRegion region_of(const Model& model, const Plan& plan,
                       const std::unordered_set<const Node*>& without_data);

}  // namespace qprep
