#pragma once

#include "passes/pass.h"

namespace qprep {

/// Names what the nodes of the main graph spell out beyond kernels (env.composites: blocks and
/// rearrangements), and writes it to plan.blocks, in the order of the first nodes. Nothing but the report
/// reads it. What a composite operator of plan.units holds whole has its name already. Given: group-units has
/// run.
void find_blocks(const Model& model, Plan& plan, Env& env);

}  // namespace qprep
