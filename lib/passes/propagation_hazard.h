#pragma once

#include "ir/graph.h"

namespace qprep {

/// ONNX Runtime moves a DequantizeLinear over MaxPool, Reshape, Transpose, Squeeze and Unsqueeze to what
/// reads these; where that is the body of a control flow operator, version 1.31.1 reads beyond that
/// operator's inputs and ends the process while it loads the model. So it does where such an operator stands
/// in a body that it puts in the place of an If, and a body reads the result of the If.
///
/// Result: the operator in between, in the first such place in graph order; null: there is none.
const Node* propagation_hazard(const Graph& graph);

}  // namespace qprep
