#pragma once

#include "passes/pass.h"

namespace qprep {

/// Computes the nodes whose inputs are all constants, and Shape and Size (and parts of them) where the sizes
/// are known; see evaluate.h for the operators. In bodies too, but for shapes of a body's own values, which
/// may differ from turn to turn. Result: such a value is an initializer of the same name, and so is the
/// result of a Constant. It stays a Constant node below IR 4, where every initializer would be an input, and
/// where a graph outputs it. Bounds: Limits::folded_bytes and folding_bytes; what they forbid stays, with a
/// note (fold-limit).
bool fold_constants(Model& model, Env& env);

}  // namespace qprep
