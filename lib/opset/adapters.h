#pragma once

#include "opset/adaptation.h"

/// The adapters that steps.cc names. Each raises one node by one version of its operator: its meaning under
/// the old version, said under the new one. Each throws Refusal where that cannot be.
namespace qprep::adapters {

// attributes.cc: attributes that went, came or are spelled differently.
void drop_consumed_inputs(Adaptation& a);  // a hint about memory
void drop_output_sequence(Adaptation& a);  // a hint about which outputs are wanted
void state_selu_defaults(Adaptation& a);   // alpha and gamma got better defaults
void state_concat_axis(Adaptation& a);     // axis = 1 was the default
void rename_paddings(Adaptation& a);
void name_cast_type_by_number(Adaptation& a);
void state_integer_p(Adaptation& a);  // LpPool, GlobalLpPool
void correct_gru_direction(Adaptation& a);
void drop_gemm_broadcast(Adaptation& a);
void state_roi_align_mode(Adaptation& a);
void rename_grid_sample_mode(Adaptation& a);
void refuse_integer_input(Adaptation& a);  // an element type that the new version does not take

// attributes_to_inputs.cc: attributes that became inputs.
void reshape_shape_to_input(Adaptation& a);
void slice_to_inputs(Adaptation& a);
void axes_to_input(Adaptation& a);  // Squeeze, Unsqueeze
void reduction_axes_to_input(Adaptation& a);
void split_to_input(Adaptation& a);
void pads_to_input(Adaptation& a);
void clip_limits_to_inputs(Adaptation& a);
void k_to_input(Adaptation& a);
void dft_axis_to_input(Adaptation& a);
void upsample_scales_to_input(Adaptation& a);

// broadcast.cc: `broadcast` and `axis` of the first versions, said by shapes as in numpy.
void align_broadcast(Adaptation& a);
void align_prelu_slope(Adaptation& a);

// structure.cc: inputs and outputs that changed otherwise.
void tile_axis_to_repeats(Adaptation& a);
void split_input_to_attribute(Adaptation& a);
void state_split_count(Adaptation& a);
void scatter_to_scatter_elements(Adaptation& a);
void repeat_group_parameters(Adaptation& a);

// average_pool.cc
void keep_order_of_adding(Adaptation& a);

// batch_norm.cc, dropout.cc
void drop_batch_norm_is_test(Adaptation& a);
void flatten_batch_norm(Adaptation& a);
void state_training_mode(Adaptation& a);
void drop_dropout_is_test(Adaptation& a);
void cast_dropout_mask(Adaptation& a);
void dropout_ratio_to_input(Adaptation& a);

// softmax.cc: Softmax, LogSoftmax and Hardmax of the input flattened to two dimensions, said with one axis.
void softmax_over_one_axis(Adaptation& a);

// resize.cc: Upsample and Resize.
void upsample_state_scales(Adaptation& a);
void upsample_to_resize(Adaptation& a);
void resize_state_coordinates(Adaptation& a);

// scan.cc: a Scan over batches becomes a Scan of Scans.
void scan_each_batch(Adaptation& a);

// retired.cc: experimental operators of the first versions, as ONNX Runtime computes them, said with others.
void retire_affine(Adaptation& a);
void retire_crop(Adaptation& a);
void retire_dynamic_slice(Adaptation& a);
void retire_image_scaler(Adaptation& a);
void retire_scale(Adaptation& a);
void retire_mean_variance_flags(Adaptation& a);
void refuse_retired_activation(Adaptation& a);  // ParametricSoftplus, ScaledTanh

}  // namespace qprep::adapters
