#include "opset/adapters.h"

namespace qprep::adapters {
namespace {

// Input i is the list that the attribute holds; as it was if the attribute is absent.
void to_input(Adaptation& a, std::string_view attribute, std::size_t i) {
  if (Value* value = a.take_integers(attribute)) a.set_input(i, value);
}

// An empty list meant what an absent one does.
void drop_if_empty(Adaptation& a, std::string_view attribute) {
  const Attribute* found = a.node().attribute(attribute);
  if (found && found->reference.empty() && a.integers(attribute)->empty()) a.erase_attribute(attribute);
}

// Input i is a scalar of the data's element type.
void real_to_input(Adaptation& a, std::string_view attribute, std::size_t i) {
  const std::optional<float> value = a.real(attribute);
  a.erase_attribute(attribute);
  if (value) a.set_input(i, &a.new_scalar(std::string(attribute), a.dtype(0), *value));
}

}  // namespace

void reshape_shape_to_input(Adaptation& a) {
  drop_consumed_inputs(a);
  if (!a.has("shape")) throw Refusal{"it states no shape", "correct the model"};
  to_input(a, "shape", 1);
}

void slice_to_inputs(Adaptation& a) {
  to_input(a, "starts", 1);
  to_input(a, "ends", 2);
  to_input(a, "axes", 3);
}

void axes_to_input(Adaptation& a) {
  if (a.node().op() == "Squeeze") drop_if_empty(a, "axes");
  to_input(a, "axes", 1);
}

void reduction_axes_to_input(Adaptation& a) {
  drop_if_empty(a, "axes");
  to_input(a, "axes", 1);
}

void split_to_input(Adaptation& a) {
  drop_if_empty(a, "split");
  to_input(a, "split", 1);
}

void pads_to_input(Adaptation& a) {
  to_input(a, "pads", 1);
  real_to_input(a, "value", 2);
}

void clip_limits_to_inputs(Adaptation& a) {
  real_to_input(a, "min", 1);
  real_to_input(a, "max", 2);
}

void k_to_input(Adaptation& a) {
  const std::int64_t k = a.integer("k").value_or(0);
  a.erase_attribute("k");
  a.set_input(1, &a.new_integers("k", {k}));
}

void dft_axis_to_input(Adaptation& a) {
  const std::int64_t axis = a.integer("axis").value_or(1);
  a.erase_attribute("axis");
  a.set_input(2, &a.new_constant("axis", Tensor::int64s({}, {axis})));
}

void upsample_scales_to_input(Adaptation& a) {
  std::vector<float> scales = a.reals("scales").value_or(std::vector<float>{});
  a.erase_attribute("scales");
  const Dims dims = {static_cast<std::int64_t>(scales.size())};
  a.set_input(1, &a.new_constant("scales", Tensor::floats(dims, std::move(scales))));
}

}  // namespace qprep::adapters
