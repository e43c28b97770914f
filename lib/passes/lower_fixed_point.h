#pragma once

#include <vector>

#include "config/op_classes.h"
#include "ir/graph.h"
#include "support/diagnostics.h"

namespace qprep {

/// In the Q/DQ form: a channel whose weights are so small beside its bias that the bias would not fit int32
/// (channels that training switched off) gets a larger s_w, with a note, since ONNX Runtime makes int32 of
/// the float biases of that form when it fuses nodes. Result: the nodes whose biases do not fit even so.
std::vector<const Node*> raise_scales_for_biases(Model& model, const OpClasses& classes,
                                                 Diagnostics& diagnostics);

/// From the Q/DQ form to the one that stores integers:
/// - QuantizeLinear of a constant is computed: weights become int8 (int16) initializers before their
///   DequantizeLinear, and the float original goes if nothing else reads it.
/// - A bias of Conv, ConvTranspose and Gemm becomes an int32 initializer of scale s_x * s_w (Gemm: * alpha /
///   beta) and a DequantizeLinear, where the data come from a DequantizeLinear per tensor, through passive
///   operators if need be, and the weight from one per tensor or per output channel.
/// - Scales are raised for biases where raise_scales_for_biases has not done it.
/// - What cannot become integer stays float, with the reason as a note. That is also a bias that would leave
///   no room for the products in an int32 accumulator.
/// Given: the model is in the Q/DQ form (from lower_qdq, or an input that carries Q/DQ).
void lower_fixed_point(Model& model, const OpClasses& classes, Diagnostics& diagnostics);

}  // namespace qprep
