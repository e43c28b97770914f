#pragma once

#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"
#include "report/report.h"

namespace qprep {

/// The borders of what method jit_strip leaves to be quantised: where it begins, where it ends; none where
/// nothing stays float for that. Given: the plan is decided.
std::vector<ReportBorder> region_of(const Model& model, const Plan& plan);

}  // namespace qprep
