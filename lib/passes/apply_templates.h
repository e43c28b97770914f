#pragma once

#include "passes/pass.h"

namespace qprep {

/// Decides what is quantised, how, on which device each node runs, and why; docs/placement.md has the rules.
/// Fills plan.values, same_as, not_quantised, known_scales and the NodePlan of every node, those of
/// model-local functions included (they stay float). Of env.settings the first that speaks of a slot
/// counts; none means int8, and float for the tail. Errors in env.diagnostics: selectors that match nothing.
/// Given: group_units has run, env.op_classes is set.
void apply_templates(const Model& model, Plan& plan, Env& env);

}  // namespace qprep
