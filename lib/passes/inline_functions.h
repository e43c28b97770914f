#pragma once

#include "passes/pass.h"

namespace qprep {

/// Puts the nodes of a model-local function in the place of each call, in bodies too, so that everything else
/// applies to them. Their names begin with the call's: "call/Erf"; what the call made keeps its name. A
/// function that nothing calls any more goes. FakeQuantize is no such function, and what cannot be opened
/// stays with the reason in a note (function-stays): it calls itself, holds bodies, has default attributes
/// that the call leaves open, or is of another operator set. Result: whether any call was opened; the types
/// of new values are not known then.
bool inline_functions(Model& model, Env& env);

}  // namespace qprep
