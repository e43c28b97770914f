#pragma once

#include "passes/pass.h"

namespace qprep {

/// The replacements that Env::replace names (config/replacements.h), until none applies any more. Nodes that
/// one is asked for and that stay are in Model::kept, with the reason. Parts of a composite operator that is
/// spelled out stay, since they are one unit as they are.
bool replace_operators(Model& model, Env& env);

}  // namespace qprep
