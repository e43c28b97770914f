#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

#include "passes/channel_affine.h"
#include "passes/evaluate_ops.h"
#include "passes/replacement_functions.h"

namespace qprep::replace {
namespace {

constexpr const char* kNoFloat32 = "its data is not float32";
constexpr const char* kNoConstant = "its weight is no constant float32 matrix";

const Dim kOne = {1, ""};

/// Pointwise operators whose other inputs are bounds: they compute the same of data in any shape.
constexpr std::array<std::string_view, 14> kPointwise = {
    "Relu", "Clip",        "Sigmoid",   "Tanh",     "LeakyRelu", "Elu",  "Selu",
    "Celu", "HardSigmoid", "HardSwish", "Softplus", "Softsign",  "Gelu", "Mish"};

bool is_pointwise(const Node& node) {
  return node.is_onnx_domain() && node.output_count() == 1 &&
         std::find(kPointwise.begin(), kPointwise.end(), node.op()) != kPointwise.end();
}

void set_conv_attributes(Node& conv, std::size_t spatial_rank, std::int64_t group) {
  conv.set_attribute("kernel_shape", std::vector<std::int64_t>(spatial_rank, 1));
  conv.set_attribute("group", group);
}

Tensor floats(Dims dims, const std::vector<double>& values) {
  std::vector<float> rounded;
  for (const double value : values) rounded.push_back(static_cast<float>(value));
  return Tensor::floats(std::move(dims), std::move(rounded));
}

/// [channels, 1, 1, ...]: a weight of a depthwise convolution.
Dims depthwise(std::int64_t channels, std::size_t rank) {
  Dims dims(rank, 1);
  dims[0] = channels;
  return dims;
}

/// alpha * B as [outputs, inputs, 1, 1].
Tensor weight_of(const Tensor& b, bool transposed, float alpha) {
  const std::int64_t rows = b.dims()[0], columns = b.dims()[1];
  if (transposed && alpha == 1.0F) return evaluation::with_dims(b, {rows, columns, 1, 1});
  std::vector<float> values = b.to_vector<float>();
  for (float& value : values) value *= alpha;
  if (transposed) return Tensor::floats({rows, columns, 1, 1}, std::move(values));
  std::vector<float> turned(values.size());
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      turned[static_cast<std::size_t>(column * rows + row)] =
          values[static_cast<std::size_t>(row * columns + column)];
    }
  }
  return Tensor::floats({columns, rows, 1, 1}, std::move(turned));
}

/// beta * C, one for each output; nullopt: it is no such constant.
std::optional<Tensor> bias_of(const Tensor& c, std::int64_t outputs, float beta) {
  const Dims& dims = c.dims();
  const bool along_outputs = c.size() == outputs && !dims.empty() && dims.back() == outputs;
  if (c.dtype() != DType::kFloat32 || (c.size() != 1 && !along_outputs)) return std::nullopt;
  std::vector<float> values = c.to_vector<float>();
  if (values.size() == 1) values.resize(static_cast<std::size_t>(outputs), values.front());
  if (beta != 1.0F) {
    for (float& value : values) value *= beta;
  }
  return Tensor::floats({outputs}, std::move(values));
}

/// The sum with another tensor that alone reads the result, over a batch norm between: one unit with the
/// layer, from which a Reshape would part it. null: there is none.
const Node* sum_behind(const Node& layer) {
  const Value* result = &layer.output(0);
  for (;;) {
    if (!result->has_single_use()) return nullptr;
    const Node& reader = *result->uses().front().node;
    if (reader.is("BatchNormalization")) {
      result = &reader.output(0);
      continue;
    }
    if ((!reader.is("Add") && !reader.is("Sum")) || reader.input_count() != 2) return nullptr;
    const std::vector<Value*> operands = reader.inputs();
    const bool of_tensors = std::none_of(operands.begin(), operands.end(), [](const Value* operand) {
      return !operand || constant_of(*operand);
    });
    return of_tensors ? &reader : nullptr;
  }
}

/// What `x` was before a node gave it the shape [N, inputs], if it was [N, inputs, 1, 1].
Value* as_picture(const Value& x, std::int64_t inputs) {
  const Node* maker = x.producer();
  const bool reshapes = maker && (maker->is("Reshape") || maker->is("Flatten") || maker->is("Squeeze"));
  Value* before = reshapes ? maker->input(0) : nullptr;
  if (!before || !before->type().shape || before->type().rank() != 4) return nullptr;
  const Shape& shape = *before->type().shape;
  return shape[1] == Dim{inputs, ""} && shape[2] == kOne && shape[3] == kOne ? before : nullptr;
}

}  // namespace

Replaced gemm_to_conv(Replacing& at) {
  Node& node = at.node();
  if (at.constant(0)) return Replaced::other();
  if (!at.is_float32(0)) return Replaced::no(kNoFloat32);
  const Tensor* b = at.constant(1);
  if (!b || b->dtype() != DType::kFloat32 || b->dims().size() != 2 || b->size() == 0)
    return Replaced::no(kNoConstant);
  if (node.int_or("transA", 0) != 0) return Replaced::no("it transposes its data");
  if (const Node* sum = sum_behind(node)) {
    return Replaced::no(fmt::format("'{}', which adds another tensor, is one unit with it", sum->label()));
  }
  const bool transposed = node.int_or("transB", 0) != 0;
  const std::int64_t outputs = b->dims()[transposed ? 0 : 1];
  const std::int64_t inputs = b->dims()[transposed ? 1 : 0];
  const float alpha = node.float_or("alpha", 1.0F);
  const float beta = node.float_or("beta", 1.0F);
  std::optional<Tensor> bias;
  if (node.input(2)) {
    const Tensor* c = at.constant(2);
    bias = c ? bias_of(*c, outputs, beta) : std::nullopt;
    if (!bias) return Replaced::no("its C is no constant float32 with one number for each output");
  }
  if (at.asks()) return Replaced::yes();
  const std::optional<Shape>& shape = at.type(0).shape;
  const Dim batch = shape && shape->size() == 2 ? shape->front() : Dim{};
  const Shape picture = {batch, {inputs, ""}, kOne, kOne};

  Value* x = as_picture(*node.input(0), inputs);
  if (!x) x = &at.reshaped(*node.input(0), {0, inputs, 1, 1}, picture, "in", false);
  at.took(1);
  std::vector<Value*> operands = {x};
  operands.push_back(&at.shared_constant(*node.input(1),
                                         "conv" + std::to_string(transposed) + std::to_string(alpha), "conv",
                                         [&] { return weight_of(*b, transposed, alpha); }));
  if (bias) {
    at.took(2);
    operands.push_back(&at.shared_constant(*node.input(2),
                                           "conv" + std::to_string(outputs) + std::to_string(beta), "conv",
                                           [&] { return *bias; }));
  }
  at.become("Conv", operands);
  set_conv_attributes(node, 2, 1);

  // Behind a pointwise operator that alone reads the result, so that it stays beside its layer.
  const Type made = Type::tensor(DType::kFloat32, Shape{batch, {outputs, ""}, kOne, kOne});
  Node* last = &node;
  while (last->output(0).has_single_use()) {
    Node& reader = *last->output(0).uses().front().node;
    const bool follows =
        &reader.graph() == &node.graph() && is_pointwise(reader) && last->output(0).uses().front().input == 0;
    if (!follows) break;
    at.change_type(*last, made, "4d");
    last = &reader;
  }
  at.reshape_behind(*last, made, {0, outputs}, "4d");
  return Replaced::yes();
}

Replaced batch_norm_to_conv(Replacing& at) {
  Node& node = at.node();
  if (!at.is_float32(0)) return Replaced::no(kNoFloat32);
  const auto found = channel_affine_of(node, at.opset());
  if (const auto* why = std::get_if<std::string>(&found)) return Replaced::no(*why);
  const auto& affine = std::get<ChannelAffine>(found);
  const auto rank = at.type(0).rank();
  if (!rank) return Replaced::unknown("the rank of what it reads is not known");
  if (*rank < 4 || *rank > 5) return Replaced::no("its data has no height and width");
  const std::int64_t channels = affine.channels();
  Tensor weight = floats(depthwise(channels, *rank), affine.a);
  const auto is_finite = [](const Tensor& tensor) {
    const std::vector<float> values = tensor.to_vector<float>();
    return std::all_of(values.begin(), values.end(), [](float each) { return std::isfinite(each); });
  };
  Tensor shift = floats({channels}, affine.b);
  if (!is_finite(weight) || !is_finite(shift)) return Replaced::no("its parameters make no finite factor");
  if (at.asks()) return Replaced::yes();
  for (std::size_t i = 1; i <= 4; ++i) at.took(i);
  Value& x = *node.input(0);
  Value& w = at.constant("weight", std::move(weight));
  Value& b = at.constant("bias", std::move(shift));
  node.truncate_outputs(1);
  at.become("Conv", {&x, &w, &b});
  set_conv_attributes(node, *rank - 2, channels);
  return Replaced::yes();
}

Replaced mul_to_conv(Replacing& at) {
  Node& node = at.node();
  const std::size_t side = at.constant(0) ? 0 : 1;
  const Tensor* factor = at.constant(side);
  const std::size_t data = 1 - side;
  if (!factor || at.constant(data)) return Replaced::other();
  if (!at.is_float32(data) || factor->dtype() != DType::kFloat32) {
    return is_floating(factor->dtype()) ? Replaced::no(kNoFloat32) : Replaced::other();
  }
  const std::optional<Shape>& shape = at.type(data).shape;
  if (!shape) return Replaced::unknown("the rank of what it reads is not known");
  const std::size_t rank = shape->size();
  if (rank < 4 || rank > 5) return Replaced::no("its data has no height and width");
  const Dim channels = (*shape)[1];
  if (!channels.known() || channels.size == 0)
    return Replaced::unknown("the number of channels is not known");
  const Dims& dims = factor->dims();
  bool fits = dims.size() <= rank;
  for (std::size_t i = 0; fits && i < dims.size(); ++i) {
    const bool is_channel = rank - dims.size() + i == 1;
    fits = dims[i] == 1 || (is_channel && dims[i] == channels.size);
  }
  if (!fits) return Replaced::no("its constant differs along other axes than the channels");
  if (at.asks()) return Replaced::yes();
  std::vector<float> values = factor->to_vector<float>();
  if (values.size() == 1) values.resize(static_cast<std::size_t>(channels.size), values.front());
  at.took(side);
  Value& x = *node.input(data);
  Value& w = at.shared_constant(
      *node.input(side), "depthwise" + std::to_string(rank) + "x" + std::to_string(channels.size),
      "depthwise", [&] { return Tensor::floats(depthwise(channels.size, rank), std::move(values)); });
  at.become("Conv", {&x, &w});
  set_conv_attributes(node, rank - 2, channels.size);
  return Replaced::yes();
}

Replaced reduce_mean_to_pool(Replacing& at) {
  Node& node = at.node();
  const auto axes = at.ints("axes", 18, 1);
  if (!axes) return at.gives("axes", 18, 1) ? Replaced::no("its axes are computed") : Replaced::other();
  const std::optional<Shape>& shape = at.type(0).shape;
  if (!shape) return Replaced::unknown("the rank of what it reads is not known");
  const auto known = axes_of(*axes, shape->size());
  if (shape->size() != 4 || known != std::vector<std::size_t>{2, 3}) return Replaced::other();
  if (!at.is_float32(0)) return Replaced::no(kNoFloat32);
  if (at.asks()) return Replaced::yes();
  const bool keeps = node.int_or("keepdims", 1) != 0;
  const Shape kept = {(*shape)[0], (*shape)[1], kOne, kOne};
  at.become("GlobalAveragePool", {node.input(0)});
  if (!keeps) at.reshape_behind(node, Type::tensor(DType::kFloat32, kept), {0, 0}, "4d");
  return Replaced::yes();
}

}  // namespace qprep::replace
