#include <fmt/format.h>
#include <limits>

#include "opset/adapters.h"

/// ONNX 1.0 had experimental operators that later versions lack. ONNX Runtime still computes some of them
/// below opset 10; what they mean here is what it does.
namespace qprep::adapters {
namespace {

// Shape inference knew nothing of the operator, but its result is like its input.
void keep_type(Adaptation& a) {
  Value& y = a.required_output(0);
  if (y.type().dtype == DType::kUndefined) y.set_type(a.required_input(0).type());
}

// The node becomes input 0 * factor + term.
void become_scaled(Adaptation& a, float factor, Value& term) {
  Node& node = a.node();
  Value& x = a.required_input(0);
  Value& scaled = a.before("Mul", {&x, &a.new_scalar("factor", a.dtype(0), factor)}, "scaled", x.type());
  scaled.producer()->absorb(node);
  node.set_input(0, &scaled);
  a.set_input(1, &term);
  node.set_op("Add", node.domain());
  keep_type(a);
}

}  // namespace

// alpha * x + beta
void retire_affine(Adaptation& a) {
  const float alpha = a.real("alpha").value_or(1.0F);
  const float beta = a.real("beta").value_or(0.0F);
  a.erase_attribute("alpha");
  a.erase_attribute("beta");
  become_scaled(a, alpha, a.new_scalar("beta", a.dtype(0), beta));
}

// x * scale + bias[channel], for x of shape [N,C,H,W]
void retire_image_scaler(Adaptation& a) {
  const float scale = a.real("scale").value_or(1.0F);
  std::vector<float> bias = a.reals("bias").value_or(std::vector<float>{});
  a.erase_attribute("scale");
  a.erase_attribute("bias");
  if (a.dtype(0) != DType::kFloat32) throw Refusal{"its input is not float32", "correct the model"};
  const Dims dims = {static_cast<std::int64_t>(bias.size()), 1, 1};
  become_scaled(a, scale, a.new_constant("bias", Tensor::floats(dims, std::move(bias))));
}

// x * scale
void retire_scale(Adaptation& a) {
  const float scale = a.real("scale").value_or(1.0F);
  a.erase_attribute("scale");
  a.set_input(1, &a.new_scalar("factor", a.dtype(0), scale));
  a.node().set_op("Mul", a.node().domain());
  keep_type(a);
}

// border = [left, top, right, bottom] around [N,C,H,W]; scale = [height, width] of what remains, which
// `right` and `bottom` give if it is absent.
void retire_crop(Adaptation& a) {
  const auto border = a.integers("border").value_or(std::vector<std::int64_t>{});
  const auto scale = a.integers("scale").value_or(std::vector<std::int64_t>{});
  if (border.size() != 4 || (!scale.empty() && scale.size() != 2)) {
    throw Refusal{"its attribute 'border' has not four elements, or 'scale' not two", "correct the model"};
  }
  constexpr std::int64_t kToTheEnd = std::numeric_limits<std::int64_t>::max();
  std::vector<std::int64_t> ends = {border[3] == 0 ? kToTheEnd : -border[3],
                                    border[2] == 0 ? kToTheEnd : -border[2]};
  if (!scale.empty()) ends = {border[1] + scale[0], border[0] + scale[1]};
  a.erase_attribute("border");
  a.erase_attribute("scale");
  a.set_input(1, &a.new_integers("starts", {border[1], border[0]}));
  a.set_input(2, &a.new_integers("ends", std::move(ends)));
  a.set_input(3, &a.new_integers("axes", {2, 3}));
  a.node().set_op("Slice", a.node().domain());
}

void retire_dynamic_slice(Adaptation& a) { a.node().set_op("Slice", a.node().domain()); }

// Old: flags; for x of shape [N,C,H,W]. New: the axes that mean and variance are taken over.
void retire_mean_variance_flags(Adaptation& a) {
  const bool across_channels = a.integer("across_channels").value_or(0) != 0;
  const bool divides = a.integer("normalize_variance").value_or(1) != 0;
  if (!divides) {
    throw Refusal{"its attribute 'normalize_variance' is 0, which the newer version cannot say",
                  "replace it by ReduceMean and Sub (equal up to rounding)"};
  }
  a.erase_attribute("across_channels");
  a.erase_attribute("normalize_variance");
  std::vector<std::int64_t> axes = {0, 2, 3};
  if (across_channels) axes = {0, 1, 2, 3};
  a.node().set_attribute("axes", std::move(axes));
}

void refuse_retired_activation(Adaptation& a) {
  const bool is_tanh = a.node().op() == "ScaledTanh";
  throw Refusal{
      "ONNX Runtime has no other operator that rounds as this one does",
      fmt::format("replace it by Mul, {}, Mul (equal up to rounding)", is_tanh ? "Tanh" : "Softplus")};
}

}  // namespace qprep::adapters
