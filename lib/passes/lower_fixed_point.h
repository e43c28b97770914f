#pragma once

#include "ir/graph.h"
#include "support/diagnostics.h"

namespace qprep {

/// From the Q/DQ form to the one that stores integers:
/// - QuantizeLinear of a constant is computed: weights become int8 (int16) initializers before their
///   DequantizeLinear, and the float original goes.
/// - A bias of Conv, ConvTranspose and Gemm becomes an int32 initializer of scale s_x * s_w (Gemm: * alpha /
///   beta) and a DequantizeLinear, where data and weight come out of DequantizeLinear.
/// What cannot become integer stays float, with the reason as a note.
/// Given: the model is in the Q/DQ form (lower_qdq, or an input that carries Q/DQ).
void lower_fixed_point(Model& model, Diagnostics& diagnostics);

}  // namespace qprep
