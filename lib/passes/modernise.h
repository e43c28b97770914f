#pragma once

#include <cstdint>

#include "passes/pass.h"

namespace qprep {

/// The operator set that the model needs so that what it spells out as several nodes may be the operators of
/// ONNX that do the same (env.composites: means, since), none beyond `newest`; 0: nothing may.
std::int64_t opset_for_modern(const Model& model, Env& env, std::int64_t newest);

/// Result: the nodes of a composite operator are one node, the last of them, of ONNX's operator, which has
/// absorbed the others. It reads what they read and makes what they made, so FakeQuantize nodes stand around
/// it as before. What stays is named with the reason in a note (composite-stays): an operator newer than
/// `newest`, or than the model's own operator set; numbers that the operator does not have; what only some
/// spellings compute. Given: composite operators hold no FakeQuantize inside.
void modernise(Model& model, Env& env, std::int64_t newest);

}  // namespace qprep
