#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <variant>

#include "passes/replacement_functions.h"

namespace qprep::replace {
namespace {

constexpr const char* kNoFloat32 = "its data is not float32";

std::vector<std::int64_t> ints_or(const Node& node, std::string_view name, std::size_t count,
                                  std::int64_t usual) {
  const auto* values = node.get<std::vector<std::int64_t>>(name);
  return values && values->size() == count ? *values : std::vector<std::int64_t>(count, usual);
}

bool pads_nothing(const Node& node, std::size_t spatial) {
  const auto* auto_pad = node.get<std::string>("auto_pad");
  const std::vector<std::int64_t> pads = ints_or(node, "pads", 2 * spatial, 0);
  return (!auto_pad || *auto_pad == "NOTSET" || *auto_pad == "VALID") &&
         std::ranges::all_of(pads, [](std::int64_t pad) { return pad == 0; });
}

/// A kernel along one axis of which all but every step-th elements are zero: the largest step; 1: there is
/// none.
std::int64_t step_of(const Tensor& weight, std::size_t axis) {
  const Dims& dims = weight.dims();
  const std::int64_t length = dims[axis];
  std::int64_t inner = 1;
  for (std::size_t i = axis + 1; i < dims.size(); ++i) inner *= dims[i];
  const std::vector<float> values = weight.to_vector<float>();
  std::int64_t step = length - 1;
  for (std::size_t i = 0; i < values.size() && step > 1; ++i) {
    if (values[i] != 0.0F) step = std::gcd(step, static_cast<std::int64_t>(i) / inner % length);
  }
  return std::max<std::int64_t>(step, 1);
}

/// Every step-th element of each axis from the third on.
Tensor thinned(const Tensor& weight, const std::vector<std::int64_t>& steps) {
  const Dims& dims = weight.dims();
  Dims left = dims;
  for (std::size_t i = 0; i < steps.size(); ++i) left[i + 2] = (dims[i + 2] - 1) / steps[i] + 1;
  const std::vector<float> values = weight.to_vector<float>();
  std::vector<float> kept;
  for (std::size_t at = 0; at < values.size(); ++at) {
    auto rest = static_cast<std::int64_t>(at);
    bool is_kept = true;
    for (std::size_t axis = dims.size(); axis-- > 2; rest /= dims[axis]) {
      is_kept = is_kept && rest % dims[axis] % steps[axis - 2] == 0;
    }
    if (is_kept) kept.push_back(values[at]);
  }
  return Tensor::floats(std::move(left), std::move(kept));
}

/// What a ConvTranspose of these groups reads, [C, M/group, taps], as a Conv that computes the same reads it:
/// [M, C/group, taps], the taps from the last to the first.
Tensor turned_round(const Tensor& weight, std::int64_t groups) {
  const Dims& dims = weight.dims();
  const std::int64_t inputs = dims[0] / groups, outputs = dims[1];  // of a group
  const std::int64_t taps = weight.size() / (dims[0] * dims[1]);
  Dims turned = dims;
  turned[0] = outputs * groups;
  turned[1] = inputs;
  const std::vector<float> values = weight.to_vector<float>();
  std::vector<float> made;
  made.reserve(values.size());
  for (std::int64_t m = 0; m < turned[0]; ++m) {
    for (std::int64_t c = 0; c < inputs; ++c) {
      const std::int64_t last = ((m / outputs * inputs + c) * outputs + m % outputs + 1) * taps - 1;
      for (std::int64_t tap = 0; tap < taps; ++tap)
        made.push_back(values[static_cast<std::size_t>(last - tap)]);
    }
  }
  return Tensor::floats(std::move(turned), std::move(made));
}

/// What a ConvTranspose of stride 1 crops before and behind each axis, as `pads` has it; or why that is not
/// known, or not the same in each operator set.
std::variant<std::vector<std::int64_t>, std::string> crops_of(const Node& node,
                                                              const std::vector<std::int64_t>& reach) {
  const std::size_t spatial = reach.size();
  if (node.get<std::vector<std::int64_t>>("output_shape"))
    return "what it crops follows from its output_shape";
  const std::string auto_pad = node.string_or("auto_pad", "NOTSET");
  if (auto_pad == "NOTSET") return ints_or(node, "pads", 2 * spatial, 0);
  std::vector<std::int64_t> crops(2 * spatial, 0);
  if (auto_pad == "VALID") return crops;
  for (std::size_t i = 0; i < spatial; ++i) {
    if (reach[i] % 2 != 0) return "auto_pad crops an odd number of elements there";
    crops[i] = crops[spatial + i] = reach[i] / 2;
  }
  return crops;
}

}  // namespace

Replaced pool_to_global(Replacing& at) {
  const Node& node = at.node();
  const auto* kernel = node.get<std::vector<std::int64_t>>("kernel_shape");
  if (!kernel || at.constant(0)) return Replaced::other();
  const std::optional<Shape>& shape = at.type(0).shape;
  if (!shape) return Replaced::unknown("the sizes of what it reads are not known");
  const std::size_t spatial = kernel->size();
  if (shape->size() != spatial + 2 || !pads_nothing(node, spatial)) return Replaced::other();
  const std::vector<std::int64_t> dilations = ints_or(node, "dilations", spatial, 1);
  for (std::size_t i = 0; i < spatial; ++i) {
    const Dim& size = (*shape)[i + 2];
    if (size.size < 0) return Replaced::unknown("the height or width of what it reads is not known");
    if (size.size != (*kernel)[i] || dilations[i] != 1) return Replaced::other();
  }
  if (at.asks()) return Replaced::yes();
  at.become(node.is("MaxPool") ? "GlobalMaxPool" : "GlobalAveragePool", {node.input(0)});
  return Replaced::yes();
}

Replaced pad_to_conv(Replacing& at) {
  Node& node = at.node();
  if (at.constant(0)) return Replaced::other();
  const auto* mode = node.get<std::string>("mode");
  const auto pads = at.ints("pads", 11, 1);
  const std::optional<Shape>& shape = at.type(0).shape;
  if (!pads || !shape || (mode && *mode != "constant") || node.input(3)) return Replaced::other();
  if (shape->size() < 3 || pads->size() != 2 * shape->size()) return Replaced::other();
  const std::int64_t front = (*pads)[1], back = (*pads)[shape->size() + 1];
  std::vector<std::int64_t> others = *pads;
  others[1] = others[shape->size() + 1] = 0;
  const bool channels_only = std::ranges::all_of(others, [](std::int64_t pad) { return pad == 0; });
  if (!channels_only || front < 0 || back < 0 || front + back == 0) return Replaced::other();
  const Tensor* filling = node.input(2) ? at.constant(2) : nullptr;
  if (node.input(2) && (!filling || filling->size() != 1)) return Replaced::other();
  const bool zeros = filling ? filling->dtype() == DType::kFloat32 && filling->to_vector<float>()[0] == 0.0F
                             : node.float_or("value", 0.0F) == 0.0F;
  if (!zeros) return Replaced::other();
  if (!at.is_float32(0)) return Replaced::no(kNoFloat32);
  const std::int64_t channels = (*shape)[1].size;
  if (channels <= 0) return Replaced::unknown("the number of its channels is not known");
  if (at.asks()) return Replaced::yes();
  const std::int64_t made = front + channels + back;
  std::vector<float> identity(static_cast<std::size_t>(made * channels), 0.0F);
  for (std::int64_t c = 0; c < channels; ++c)
    identity[static_cast<std::size_t>((front + c) * channels + c)] = 1.0F;
  Dims dims(shape->size(), 1);
  dims[0] = made;
  dims[1] = channels;
  Value& x = *node.input(0);
  Value& weight = at.constant("identity", Tensor::floats(std::move(dims), std::move(identity)));
  at.become("Conv", {&x, &weight});
  node.set_attribute("kernel_shape", std::vector<std::int64_t>(shape->size() - 2, 1));
  return Replaced::yes();
}

Replaced conv_to_dilated(Replacing& at) {
  Node& node = at.node();
  const Tensor* weight = at.constant(1);
  if (!weight || weight->dtype() != DType::kFloat32 || weight->dims().size() < 3) return Replaced::other();
  const std::size_t spatial = weight->dims().size() - 2;
  const std::vector<std::int64_t> dilations = ints_or(node, "dilations", spatial, 1);
  const auto* auto_pad = node.get<std::string>("auto_pad");
  if (auto_pad && *auto_pad != "NOTSET") return Replaced::other();
  std::vector<std::int64_t> steps, kernel;
  for (std::size_t i = 0; i < spatial; ++i) {
    if (dilations[i] != 1) return Replaced::other();
    steps.push_back(step_of(*weight, i + 2));
    kernel.push_back((weight->dims()[i + 2] - 1) / steps[i] + 1);
  }
  const bool any = std::ranges::any_of(steps, [](std::int64_t step) { return step > 1; });
  // A kernel with nothing but its first element, or nothing at all, is no dilated one.
  if (!any || std::ranges::all_of(kernel, [](std::int64_t size) { return size <= 2; }))
    return Replaced::other();
  if (at.asks()) return Replaced::yes();
  at.took(1);
  Value& thin =
      at.shared_constant(*node.input(1), "thinned", "thinned", [&] { return thinned(*weight, steps); });
  at.tell("has its zeros as dilations");
  at.set_input(1, thin);
  node.set_attribute("kernel_shape", kernel);
  node.set_attribute("dilations", steps);
  return Replaced::yes();
}

Replaced conv_transpose_to_conv(Replacing& at) {
  Node& node = at.node();
  if (at.constant(0) || !node.input(1)) return Replaced::other();
  const auto is_one = [](std::int64_t each) { return each == 1; };
  if (!std::ranges::all_of(node.ints_or("strides", {}), is_one)) return Replaced::other();
  if (!at.is_float32(0)) return Replaced::no(kNoFloat32);
  const Tensor* weight = at.constant(1);
  const std::int64_t groups = node.int_or("group", 1);
  const bool fits = weight && weight->dtype() == DType::kFloat32 && weight->dims().size() >= 3 &&
                    weight->size() > 0 && groups >= 1 && weight->dims()[0] % groups == 0;
  if (!fits) return Replaced::no("its weight is no constant float32");
  const std::vector<float> values = weight->to_vector<float>();
  // The zeros that a Conv pads with are multiplied, too.
  if (!std::ranges::all_of(values, [](float each) { return std::isfinite(each); })) {
    return Replaced::no("its weight is not finite");
  }
  const auto is_zero = [](std::int64_t each) { return each == 0; };
  if (!std::ranges::all_of(node.ints_or("output_padding", {}), is_zero)) {
    return Replaced::no("it pads its result");
  }
  const std::size_t spatial = weight->dims().size() - 2;
  const std::vector<std::int64_t> dilations = ints_or(node, "dilations", spatial, 1);
  const std::vector<std::int64_t> kernel(weight->dims().begin() + 2, weight->dims().end());
  std::vector<std::int64_t> reach;  // of the kernel beyond the element that it stands on
  for (std::size_t i = 0; i < spatial; ++i) reach.push_back(dilations[i] * (kernel[i] - 1));
  const auto crops = crops_of(node, reach);
  if (const auto* why = std::get_if<std::string>(&crops)) return Replaced::no(*why);
  std::vector<std::int64_t> pads = std::get<0>(crops);
  for (std::size_t i = 0; i < pads.size(); ++i) {
    pads[i] = reach[i % spatial] - pads[i];
    if (pads[i] < 0) return Replaced::no("it crops more than its kernel adds");
  }
  if (at.asks()) return Replaced::yes();
  if (Tensor* trained = at.weight_for_training()) *trained = turned_round(*trained, groups);
  at.took(1);
  std::vector<Value*> inputs = node.inputs();
  if (!inputs.back()) inputs.pop_back();
  inputs[1] = &at.shared_constant(*inputs[1], "turned" + std::to_string(groups), "turned",
                                  [&] { return turned_round(*weight, groups); });
  at.become("Conv", inputs);
  node.set_attribute("kernel_shape", kernel);
  if (!std::ranges::all_of(dilations, is_one)) node.set_attribute("dilations", dilations);
  if (groups != 1) node.set_attribute("group", groups);
  if (!std::ranges::all_of(pads, is_zero)) node.set_attribute("pads", std::move(pads));
  return Replaced::yes();
}

}  // namespace qprep::replace
