#pragma once

#include "ir/graph.h"

namespace qprep {

/// What ONNX's shape inference does not say of a Reshape whose shape is computed at run time: its rank, which
/// is the length of the shape, and the sizes that are constants in the Concat that makes the shape. Result:
/// results of unknown rank in the main graph have such a type; whether there were any. Linear in the graph.
bool infer_partial_shapes(Model& model);

}  // namespace qprep
