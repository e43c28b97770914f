#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "target/quantity.h"

/// How the quantities of the catalogue are read, by what they speak of.
namespace qprep {

/// A shape as far as it is known, or none: not even its rank is. A view, unless it was made from a constant's
/// dims.
class KnownShape {
 public:
  KnownShape() = default;
  explicit KnownShape(const Shape* shape) : shape_(shape) {}
  explicit KnownShape(Shape shape) : own_(std::move(shape)) {}

  explicit operator bool() const { return own_ || shape_; }
  const Shape& operator*() const { return own_ ? *own_ : *shape_; }
  const Shape* operator->() const { return &**this; }

 private:
  std::optional<Shape> own_;
  const Shape* shape_ = nullptr;
};

/// The tensor's. Given: the value outlives it.
KnownShape shape_of(const Value* value);
/// A constant of whole numbers; nullopt: it is none.
std::optional<std::vector<std::int64_t>> int64s_of(const Value* value);
/// "H of input 1", or "H of input 1 ('height')" for a dimension with a name.
std::string missing_dim(const std::string& noun, const Dim& dim);

// One tensor: tensor_quantities.cc
Readings read_rank(const NodeView&, const QuantityName&);
Readings read_dims(const NodeView&, const QuantityName&);
Readings read_dims_but_axis(const NodeView&, const QuantityName&);
Readings read_n(const NodeView&, const QuantityName&);
Readings read_c(const NodeView&, const QuantityName&);
Readings read_d(const NodeView&, const QuantityName&);
Readings read_h(const NodeView&, const QuantityName&);
Readings read_w(const NodeView&, const QuantityName&);
Readings read_spatial(const NodeView&, const QuantityName&);
Readings read_elements(const NodeView&, const QuantityName&);
Readings read_bytes(const NodeView&, const QuantityName&);
Readings read_dtype(const NodeView&, const QuantityName&);
Readings read_precision(const NodeView&, const QuantityName&);
Readings read_constant(const NodeView&, const QuantityName&);

// A window that moves over the data: window_quantities.cc
Readings read_kernel(const NodeView&, const QuantityName&);
Readings read_stride(const NodeView&, const QuantityName&);
Readings read_dilation(const NodeView&, const QuantityName&);
Readings read_pads(const NodeView&, const QuantityName&);
Readings read_pad_h(const NodeView&, const QuantityName&);
Readings read_pad_w(const NodeView&, const QuantityName&);
Readings read_pad_d(const NodeView&, const QuantityName&);
Readings read_output_padding(const NodeView&, const QuantityName&);
Readings read_group(const NodeView&, const QuantityName&);
Readings read_channels_per_group(const NodeView&, const QuantityName&);

/// The item of a list by axis that stands at that place from its end; 1: the list is too short.
Readings from_end(const Readings& list, std::size_t place);
template <QuantityReader read_list>
Readings read_width(const NodeView& node, const QuantityName& name) {
  return from_end(read_list(node, name), 1);
}
template <QuantityReader read_list>
Readings read_height(const NodeView& node, const QuantityName& name) {
  return from_end(read_list(node, name), 2);
}
template <QuantityReader read_list>
Readings read_depth(const NodeView& node, const QuantityName& name) {
  return from_end(read_list(node, name), 3);
}

// Axes: axis_quantities.cc
Readings read_axis(const NodeView&, const QuantityName&);
Readings read_axes(const NodeView&, const QuantityName&);
Readings read_axis_sizes(const NodeView&, const QuantityName&);
Readings read_changed_axes(const NodeView&, const QuantityName&);
Readings read_padded_axes(const NodeView&, const QuantityName&);
Readings read_parts(const NodeView&, const QuantityName&);
Readings read_batch(const NodeView&, const QuantityName&);

// How operands fit each other: operand_quantities.cc
Readings read_constant_inputs(const NodeView&, const QuantityName&);
Readings read_zeros(const NodeView&, const QuantityName&);
Readings read_broadcast_axes(const NodeView&, const QuantityName&);
Readings read_broadcast_operands(const NodeView&, const QuantityName&);
Readings read_merged_rank(const NodeView&, const QuantityName&);
Readings read_batch_broadcast(const NodeView&, const QuantityName&);

// Attributes and what the caller knows: node_quantities.cc
Readings read_attribute(const NodeView&, const QuantityName&);
Readings read_mode(const NodeView&, const QuantityName&);
Readings read_padding_mode(const NodeView&, const QuantityName&);
Readings read_coordinates(const NodeView&, const QuantityName&);
Readings read_keepdims(const NodeView&, const QuantityName&);
Readings read_blocksize(const NodeView&, const QuantityName&);
Readings read_sorted(const NodeView&, const QuantityName&);
Readings read_opset(const NodeView&, const QuantityName&);
Readings read_fused(const NodeView&, const QuantityName&);
Readings read_feeds_shortcut_add(const NodeView&, const QuantityName&);
Readings read_last_of_segment(const NodeView&, const QuantityName&);
Readings read_model_output(const NodeView&, const QuantityName&);
Readings read_crop_on_pixels(const NodeView&, const QuantityName&);

}  // namespace qprep
