#pragma once

#include "passes/replacing.h"

/// The replacements of replace-operators, a function each; config/replacements.h says what they do. Given:
/// the node is of ONNX's domain and of an operator that the table in replace_operators.cc names beside the
/// function, its output 0 is its only one in use, and the operator set is 7 or newer. Result: what came of
/// it; but for kYes, or where at.asks(), nothing was changed.
namespace qprep::replace {

Replaced interpolate(Replacing& at);

Replaced flatten_to_reshape(Replacing& at);
Replaced squeeze_to_reshape(Replacing& at);
Replaced unsqueeze_to_reshape(Replacing& at);

Replaced sum_to_add(Replacing& at);
Replaced div_to_mul(Replacing& at);
Replaced div_to_reciprocal(Replacing& at);
Replaced pow_to_mul(Replacing& at);
Replaced max_to_relu(Replacing& at);
Replaced where_to_mul(Replacing& at);
Replaced compare_to_not(Replacing& at);

Replaced mat_mul_to_one_rank(Replacing& at);
Replaced reduce_to_kept_axes(Replacing& at);
Replaced concat_to_four_axes(Replacing& at);
Replaced softmax_to_four_axes(Replacing& at);

Replaced pool_to_global(Replacing& at);
Replaced pad_to_conv(Replacing& at);
Replaced conv_to_dilated(Replacing& at);
Replaced conv_transpose_to_conv(Replacing& at);

Replaced reduce_mean_to_pool(Replacing& at);
Replaced gemm_to_conv(Replacing& at);
Replaced batch_norm_to_conv(Replacing& at);
Replaced mul_to_conv(Replacing& at);

Replaced softmax_to_parts(Replacing& at);
Replaced log_softmax_to_parts(Replacing& at);
Replaced reduce_l1_to_parts(Replacing& at);
Replaced reduce_l2_to_parts(Replacing& at);

Replaced layer_norm_to_parts(Replacing& at);
Replaced rms_norm_to_parts(Replacing& at);
Replaced instance_norm_to_parts(Replacing& at);
Replaced group_norm_to_parts(Replacing& at);

}  // namespace qprep::replace
