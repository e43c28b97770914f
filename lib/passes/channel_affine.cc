#include "passes/channel_affine.h"

#include <algorithm>
#include <cmath>

namespace qprep {
namespace {

bool is_inference(const Node& node, std::int64_t opset) {
  for (std::size_t i = 1; i < node.output_count(); ++i) {
    if (!node.output(i).name().empty()) return false;
  }
  if (opset < 7) return node.int_or("is_test", 0) != 0;
  return node.int_or("training_mode", 0) == 0;
}

}  // namespace

bool ChannelAffine::shifts() const {
  return std::any_of(b.begin(), b.end(), [](double each) { return each != 0.0; });
}

std::variant<ChannelAffine, std::string> channel_affine_of(const Node& node, std::int64_t opset) {
  if (!is_inference(node, opset)) return "it is in training mode";
  if (opset < 9 && node.int_or("spatial", 1) == 0)
    return "it normalises each element by itself (spatial = 0)";
  std::vector<std::vector<float>> parameters;
  for (std::size_t i = 1; i <= 4; ++i) {
    const Tensor* tensor = node.input(i) ? constant_of(*node.input(i)) : nullptr;
    if (!tensor || tensor->dtype() != DType::kFloat32) return "its parameters are not all constant float32";
    if (tensor->dims().size() != 1 || (i > 1 && tensor->size() != std::ssize(parameters[0]))) {
      return "its parameters differ in length";
    }
    parameters.push_back(tensor->to_vector<float>());
  }
  const double epsilon = static_cast<double>(node.float_or("epsilon", 1e-5F));
  ChannelAffine affine;
  for (std::size_t i = 0; i < parameters[0].size(); ++i) {
    const double a =
        static_cast<double>(parameters[0][i]) / std::sqrt(static_cast<double>(parameters[3][i]) + epsilon);
    const double b = static_cast<double>(parameters[1][i]) - static_cast<double>(parameters[2][i]) * a;
    if (!std::isfinite(a) || !std::isfinite(b)) return "its parameters make no finite factor";
    affine.a.push_back(a);
    affine.b.push_back(b);
  }
  return affine;
}

}  // namespace qprep
