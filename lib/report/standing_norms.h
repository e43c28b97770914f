#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "plan/plan.h"
#include "report/report.h"

namespace qprep {

/// The batch norms that are nodes of their own still, those that a replacement made another operator too, and
/// the Mul and Add of those that are written out, with why no layer took them in. One inside a sequence is
/// none of them: its layer's kernel takes it in.
std::unordered_map<const Node*, const StandingNorm*> standing_norms(const Model& model, const Plan& plan);

/// The same by reason: those that could be folded first, of these the most frequent reason.
std::vector<ReportStandingNorms> standing_norm_rows(const Model& model, const Plan& plan);

}  // namespace qprep
