#pragma once

#include "passes/pass.h"

namespace qprep {

/// The replacements that Env::replace names (config/replacements.h), until none applies any more. Nodes that
/// one is asked for and that stay are in Model::kept, with the reason, and what is for none of its nodes in
/// Model::idle_replacements; what becomes of the batch norms among them, which fold-batch-norm left, a note
/// says as well (batch-norm-stays). Parts of a composite operator that is spelled out stay, since they are
/// one unit as they are.
bool replace_operators(Model& model, Env& env);

}  // namespace qprep
