#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "opset/adapters.h"

namespace qprep::adapters {
namespace {

// How Resize 10 takes the nearest neighbour along one axis in ONNX Runtime, and all that Resize 11 can say
// of it: rounding down where it enlarges, up where it shrinks.
constexpr const char* kEnlarging = "floor";
constexpr const char* kShrinking = "ceil";

void set_asymmetric(Node& node, const std::string& nearest_mode) {
  node.set_attribute("coordinate_transformation_mode", std::string("asymmetric"));
  if (node.string_or("mode", "nearest") == "nearest") node.set_attribute("nearest_mode", nearest_mode);
}

// The scales that enlarge, with 1 where an axis shrinks, and those that shrink, with 1 where one grows.
// `factors`: their values, if they are a constant.
std::pair<Value*, Value*> split_scales(Adaptation& a, Value& scales, std::vector<float> factors) {
  if (!factors.empty()) {
    const Dims dims = {static_cast<std::int64_t>(factors.size())};
    std::vector<float> growth = factors, shrinkage = std::move(factors);
    for (float& factor : growth) factor = std::max(factor, 1.0F);
    for (float& factor : shrinkage) factor = std::min(factor, 1.0F);
    Value& enlarging = a.new_constant("growth", Tensor::floats(dims, std::move(growth)));
    return {&enlarging, &a.new_constant("shrinkage", Tensor::floats(dims, std::move(shrinkage)))};
  }
  Value& one = a.new_constant("one", Tensor::scalar(1.0F));
  const Type type = Type::tensor(DType::kFloat32, scales.type().shape);
  Value& enlarging = a.before("Max", {&scales, &one}, "growth", type);
  return {&enlarging, &a.before("Min", {&scales, &one}, "shrinkage", type)};
}

}  // namespace

void upsample_state_scales(Adaptation& a) {
  const std::optional<float> height = a.real("height_scale");
  const std::optional<float> width = a.real("width_scale");
  if (!height || !width) throw Refusal{"it states no height_scale or width_scale", "correct the model"};
  a.erase_attribute("height_scale");
  a.erase_attribute("width_scale");
  a.node().set_attribute("scales", std::vector<float>{1.0F, 1.0F, *height, *width});
  if (a.text("mode") == "bilinear") a.node().set_attribute("mode", std::string("linear"));
}

void upsample_to_resize(Adaptation& a) { a.node().set_op("Resize", a.node().domain()); }

// Old: X, scales; coordinates are divided by the scale. New: X, roi, scales, sizes, and the rule is stated.
void resize_state_coordinates(Adaptation& a) {
  Node& node = a.node();
  Value& x = a.required_input(0);
  Value& scales = a.required_input(1);
  const Tensor* constant = a.constant(1);
  const std::string mode = a.text("mode").value_or("nearest");
  Value& no_region = a.new_constant("roi", Tensor::floats({0}, {}));
  const auto read = [&](Value& factors) {
    node.set_input(1, &no_region);
    a.set_input(2, &factors);
  };

  if (mode != "nearest") {
    set_asymmetric(node, kEnlarging);
    return read(scales);
  }
  if (constant && constant->dtype() != DType::kFloat32) {
    throw Refusal{"its input 'scales' is not float32", "correct the model"};
  }
  std::vector<float> factors = constant ? constant->to_vector<float>() : std::vector<float>{};
  const auto enlarges = [](float factor) { return factor >= 1.0F; };
  const auto shrinks = [](float factor) { return factor <= 1.0F; };
  if (constant && std::all_of(factors.begin(), factors.end(), enlarges)) {
    set_asymmetric(node, kEnlarging);
    return read(scales);
  }
  if (constant && std::all_of(factors.begin(), factors.end(), shrinks)) {
    set_asymmetric(node, kShrinking);
    return read(scales);
  }

  // Some axes may grow and others shrink. One after the other: axes do not influence each other.
  const auto [growth, shrinkage] = split_scales(a, scales, std::move(factors));
  Type interim = x.type();
  if (interim.shape) std::fill(interim.shape->begin(), interim.shape->end(), Dim{});
  Value& enlarged = a.before("Resize", {&x, &no_region, growth}, "enlarged", interim);
  set_asymmetric(*enlarged.producer(), kEnlarging);
  node.set_input(0, &enlarged);
  set_asymmetric(node, kShrinking);
  read(*shrinkage);
}

}  // namespace qprep::adapters
