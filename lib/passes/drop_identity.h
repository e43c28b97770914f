#pragma once

#include "passes/pass.h"

namespace qprep {

/// Removes nodes whose result is one of their inputs, whatever the data:
/// - Identity; Dropout that does not train; Concat, Sum, Max, Min and Mean of one input
/// - Cast and CastLike to the dtype that the input has
/// - Reshape, Flatten, Expand and Transpose that change nothing; Pad by nothing
/// - of a Transpose of a Transpose the inner one, or both where they cancel; of a Reshape of a Reshape
/// (Flatten,
///   Squeeze, Unsqueeze) the inner one
/// A node stays where its output is a graph's output and its input cannot take that name: an Identity from
/// input to output, say.
bool drop_identity(Model& model, Env& env);

}  // namespace qprep
