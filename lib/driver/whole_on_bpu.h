#pragma once

#include "config/config.h"
#include "ir/graph.h"
#include "plan/plan.h"
#include "support/diagnostics.h"

namespace qprep {

/// With `hybrid: {enabled: false}`, an error for each node that computes with the model's data and would run
/// on the CPU, with the reason and what would change it; the first hundred of them. What stands before or
/// behind the part that is quantised (head, tail, stubs) is none of the BPU's.
void check_whole_on_bpu(const Config& config, const Model& model, const Plan& plan, Diagnostics& diagnostics);

}  // namespace qprep
