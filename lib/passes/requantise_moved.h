#pragma once

#include "ir/graph.h"

namespace qprep {

/// Puts a QuantizeLinear and a DequantizeLinear of the same scale behind operators that only move elements,
/// where ONNX Runtime (1.31) would do so itself and fail. Numbers do not change: the elements are on the
/// integers' grid already.
///
/// Its optimiser moves a DequantizeLinear per tensor forward past MaxPool, Reshape, Slice, Squeeze, Transpose
/// and Unsqueeze to their only reader, unless that is a QuantizeLinear already.
/// - From operator set 21 on, the model then does not load if the integers are int8: the new QuantizeLinear
/// says
///   output_dtype int8, but on x86-64 its zero point becomes uint8.
/// - If the only reader is in a body of If, Loop or Scan, the process aborts.
///
/// Given: the model is in the Q/DQ form.
void requantise_moved(Model& model);

}  // namespace qprep
