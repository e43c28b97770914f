#pragma once

#include "passes/pass.h"

namespace qprep {

/// Folds the batch norms of a model that was written for training (kept_batch_norms.h) as fold-batch-norm
/// does, so that the FakeQuantize of a weight reads the folded weight again. Comes before fold-constants,
/// which would compute the factors.
bool take_out_batch_norm(Model& model, Env& env);

}  // namespace qprep
