#pragma once

#include <vector>

#include "config/config.h"
#include "ir/graph.h"

namespace qprep {

/// Result: the axes of the model's inputs that are called so have these sizes, in the models that are written
/// too; of two sizes for one axis the last. Given: shapes are not inferred yet. Throws Fatal (no-match) with
/// every name that no input has; `may_miss`: these are warnings.
void fix_sizes(Model& model, const std::vector<Placed<OpenSize>>& sizes, bool may_miss,
               Diagnostics& diagnostics);

}  // namespace qprep
