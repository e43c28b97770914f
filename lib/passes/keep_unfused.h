#pragma once

#include "ir/graph.h"

namespace qprep {

/// ONNX Runtime 1.31 makes one integer kernel of an operator between DequantizeLinear and QuantizeLinear
/// without a look at their scales; the kernels of some operators then refuse scales for channels, so that the
/// model does not load.
///
/// Result: behind such an operator, where what it reads or makes has a scale for each channel, stands a Sum
/// of one addend, which changes no number and which it does not take out. A MatMul or Gemm, which needs no
/// QuantizeLinear to become an integer kernel, reads such tensors through a Sum.
void keep_unfused(Model& model);

}  // namespace qprep
