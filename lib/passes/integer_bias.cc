#include "passes/integer_bias.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "passes/qdq.h"
#include "support/codes.h"

namespace qprep {

/// What a node adds up before its bias: integer products, each worth scales[channel].
struct IntegerBias::Accumulator {
  std::vector<double> scales;  // one entry: the same for all channels
  std::int64_t channels = 0;   // of the output
  double largest_sum = 0;      // of the products' magnitudes; 0 if the accumulator is wider than int32
};

namespace {

constexpr std::size_t kBias = 2;  // for Conv, ConvTranspose and Gemm alike
constexpr std::int64_t kPerChannelOpset = 13;

/// Where the output channels of a node lie in its weight.
struct WeightLayout {
  std::size_t axis = 0;       // that the scales must lie along
  std::int64_t along = 0;     // the size of that axis; output channel c uses scale c % along
  std::int64_t channels = 0;  // of the output
  std::int64_t terms = 0;     // products in one sum, at most
};

std::optional<WeightLayout> weight_layout(const Node& node, const Dims& w) {
  const std::int64_t size = element_count(w).value_or(0);
  if (w.size() < 2 || size == 0) return std::nullopt;
  if (node.is("Conv")) return WeightLayout{0, w[0], w[0], size / w[0]};
  if (node.is("Gemm")) {
    const std::size_t axis = node.int_or("transB", 0) != 0 ? 0 : 1;
    return WeightLayout{axis, w[axis], w[axis], size / w[axis]};
  }
  const std::int64_t groups = node.int_or("group", 1);
  if (groups < 1) return std::nullopt;
  const bool one_to_one = w[1] == 1 && w[0] == groups;
  return WeightLayout{one_to_one ? std::size_t{0} : std::size_t{1}, one_to_one ? w[0] : w[1], w[1] * groups,
                      size / w[1]};
}

bool is_eight_bits(const QdqParams& params) { return bit_width(params.dtype) == 8; }

/// The largest |q - zero_point|.
double largest_integer(const QdqParams& params) {
  std::int32_t most = 0;
  for (const QuantParams& p : params.channels) {
    most = std::max({most, p.range.max - p.zero_point, p.zero_point - p.range.min});
  }
  return most;
}

/// Bias elements for each output channel, if the tensor has one for each or one for all.
std::optional<std::vector<float>> per_channel(const Tensor& bias, std::int64_t channels) {
  const Dims& dims = bias.dims();
  const bool one_for_each = !dims.empty() && dims.back() == channels && bias.size() == channels;
  if (one_for_each) return bias.to_vector<float>();
  if (bias.size() != 1) return std::nullopt;
  return std::vector<float>(static_cast<std::size_t>(channels), bias.at<float>(0));
}

/// round_half_even(b / scale) for each channel; nullopt with the reason if one does not fit.
std::optional<std::vector<std::int32_t>> integers_of(const std::vector<float>& bias,
                                                     const std::vector<float>& scales, double limit,
                                                     std::string& why) {
  std::vector<std::int32_t> integers;
  for (std::size_t c = 0; c < bias.size(); ++c) {
    const float scale = scales[scales.size() == 1 ? 0 : c];
    const double q = std::nearbyint(static_cast<double>(bias[c]) / static_cast<double>(scale));
    if (!(std::fabs(q) <= limit)) {
      why = fmt::format("its element {} is {}, which int32 of scale {} cannot hold", c, bias[c], scale);
      return std::nullopt;
    }
    integers.push_back(static_cast<std::int32_t>(q));
  }
  return integers;
}

std::optional<std::vector<float>> rounded(const std::vector<double>& scales) {
  std::vector<float> result;
  for (const double scale : scales) {
    result.push_back(static_cast<float>(scale));
    if (!std::isnormal(result.back()) || result.back() < 0.0F) return std::nullopt;
  }
  return result;
}

}  // namespace

/// The DequantizeLinear that the node's data come from, behind operators that only move elements; null if
/// there is none.
const Node* IntegerBias::source_of_data(const Node& node) const {
  const Value* value = node.input(0);
  while (value && value->producer()) {
    const Node& producer = *value->producer();
    if (is_dequantize_linear(producer)) return &producer;
    const OpTraits& traits = classes_.of(producer);
    if (traits.op_class != OpClass::kPassive || traits.all_inputs || traits.data.size() != 1) return nullptr;
    value = producer.input(traits.data.front());
  }
  return nullptr;
}

std::optional<IntegerBias::Accumulator> IntegerBias::accumulator_of(const Node& node,
                                                                    std::string& why) const {
  const auto no = [&](std::string reason) {
    why = std::move(reason);
    return std::nullopt;
  };
  const std::optional<QdqParams> weight = read_qdq(*node.input(1)->producer());
  if (!weight) return no("its weight's scale is no constant");
  const std::optional<Dims> dims = node.input(1)->producer()->input(0)->type().static_dims();
  const std::optional<WeightLayout> layout = dims ? weight_layout(node, *dims) : std::nullopt;
  if (!layout) return no("the shape of its weight is not known");
  if (!weight->per_tensor() && weight->axis != layout->axis) {
    return no("its weight's scales do not lie along the output channels");
  }
  const Node* source = source_of_data(node);
  const std::optional<QdqParams> data = source ? read_qdq(*source) : std::nullopt;
  if (!data || !data->per_tensor()) return no("its data have no scale");

  const bool gemm = node.is("Gemm");
  const double alpha = gemm ? static_cast<double>(node.float_or("alpha", 1.0F)) : 1.0;
  const double beta = gemm ? static_cast<double>(node.float_or("beta", 1.0F)) : 1.0;
  if (beta == 0.0 || !(alpha / beta > 0.0)) return no(fmt::format("alpha is {} and beta {}", alpha, beta));

  Accumulator sum;
  sum.channels = layout->channels;
  const std::int64_t scales = weight->per_tensor() ? 1 : layout->channels;
  for (std::int64_t c = 0; c < scales; ++c) {
    const QuantParams& w =
        weight->channels[static_cast<std::size_t>(weight->per_tensor() ? 0 : c % layout->along)];
    sum.scales.push_back(static_cast<double>(data->channels.front().scale) * static_cast<double>(w.scale) *
                         (alpha / beta));
  }
  if (is_eight_bits(*data) && is_eight_bits(*weight)) {
    sum.largest_sum = static_cast<double>(layout->terms) * largest_integer(*data) * largest_integer(*weight);
  }
  return sum;
}

void IntegerBias::lower(Node& node) {
  if (!node.is("Conv") && !node.is("ConvTranspose") && !node.is("Gemm")) return;
  Value* bias = node.input(kBias);
  const Tensor* tensor = bias ? constant_of(*bias) : nullptr;
  const Value* weight = node.input(1);
  if (!tensor || tensor->dtype() != DType::kFloat32 || !weight || !weight->producer() ||
      !is_dequantize_linear(*weight->producer())) {
    return;
  }
  std::string why;
  const auto stays_float = [&] {
    diagnostics_.note(codes::kStaysFloat,
                      fmt::format("bias '{}' of node '{}' stays float: {}", bias->name(), node.label(), why));
  };
  const std::optional<Accumulator> sum = accumulator_of(node, why);
  if (!sum) return stays_float();
  why = "the scale of the products is no normal float32 number";
  const std::optional<std::vector<float>> scales = rounded(sum->scales);
  if (!scales) return stays_float();
  why = "it is not one number for each output channel";
  const std::optional<std::vector<float>> values = per_channel(*tensor, sum->channels);
  if (!values) return stays_float();

  // Half of int32 is always the bias's, since sums that large do not occur.
  const double room =
      std::max(double{std::numeric_limits<std::int32_t>::max()} - sum->largest_sum, std::ldexp(1.0, 30));
  std::optional<std::vector<std::int32_t>> integers = integers_of(*values, *scales, room, why);
  if (!integers) return stays_float();
  node.set_input(kBias, &dequantized(*bias, node, std::move(*integers), *scales));
  replaced_.push_back(bias);
}

Value& IntegerBias::dequantized(const Value& bias, Node& before, std::vector<std::int32_t> integers,
                                std::vector<float> scales) {
  Graph& graph = before.graph();
  Value*& made = made_[{&bias, &graph, scales}];
  if (made) return *made;
  const auto channels = static_cast<std::int64_t>(integers.size());
  const bool per_tensor = scales.size() == 1;
  const Dims dims = per_tensor ? Dims{} : Dims{channels};
  Value& q = graph.new_initializer(bias.name() + "_quantized",
                                   Tensor::of<std::int32_t>(DType::kInt32, {channels}, std::move(integers)));
  Value& scale = graph.new_initializer(bias.name() + "_scale", Tensor::floats(dims, std::move(scales)));
  const bool contrib = !per_tensor && model_.opset() < kPerChannelOpset;
  Node& node = graph.insert(&before, {.op = "DequantizeLinear",
                                      .inputs = {&q, &scale},
                                      .outputs = {bias.name() + "_dequantized"},
                                      .name = bias.name() + "_DequantizeLinear",
                                      .domain = contrib ? "com.microsoft" : ""});
  if (!per_tensor) node.set_attribute("axis", std::int64_t{0});
  node.output(0).set_type(Type::tensor(DType::kFloat32, Shape{{channels, ""}}));
  made = &node.output(0);
  return *made;
}

}  // namespace qprep
