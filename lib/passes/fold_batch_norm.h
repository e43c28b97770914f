#pragma once

#include <unordered_set>

#include "passes/pass.h"

namespace qprep {

/// y = BatchNormalization(x) = a x + b per channel, where a = scale / sqrt(var + epsilon), b = bias - mean a.
///
/// Folds it, in float64 rounded once to float32,
/// - into the Conv, ConvTranspose, Gemm or MatMul that makes x and nothing else (through an Add of a constant
/// per
///   channel too): weight times a along the output channels, bias a + b; a MatMul without an Add gets one in
///   the batch norm's place;
/// - else into the Conv, ConvTranspose, Gemm or MatMul that alone reads y: weight times a along the input
/// channels,
///   and the weight's sums over b join the bias. Padding is zeros of y, not of x, so a Conv that pads needs b
///   = 0, and so does a ConvTranspose, whose border sees fewer taps, and a MatMul, which has no bias.
/// The weight must be constant float32; one that others read too is left to them, and a copy is made.
/// A batch norm that no layer takes in is named with the reason in a note (batch-norm-stays).
///
/// Where exporters write a batch norm out as Mul and Add of constants, the Mul is folded in the same way into
/// the layer before it; the Add stays, as what group_units takes for the layer's bias. Mul and Add of one
/// number for all channels (a learnable affine block) go into weight and bias together, unless a Clip, Min or
/// Max reads the sum: then they may be an activation function. In front of the layer that alone reads the sum
/// they are folded as a batch norm there is, unless they are a part of an operator that is spelled out.
///
/// Where the configuration lists what is fused, a batch norm is folded into the layer before it that one list
/// names with it, and otherwise not at all; none in front of a layer is. Where it keeps batch norms for
/// training (`bn: with_bn`), Model::kept_batch_norms tells of those that stood behind a layer; one that
/// cannot be kept is named in a note (batch-norm-folded).
bool fold_batch_norm(Model& model, Env& env);

/// The same for these nodes alone, silent on those that stay.
bool fold_batch_norms(Model& model, Env& env, const std::unordered_set<const Node*>& only);

}  // namespace qprep
