#include "passes/integer_bias.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "ir/walk.h"
#include "passes/qdq.h"
#include "support/codes.h"

namespace qprep {
namespace {

constexpr std::size_t kBias = 2;  // for Conv, ConvTranspose and Gemm alike
constexpr std::int64_t kPerChannelOpset = 13;
constexpr double kSmallestScale = std::numeric_limits<float>::min();

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

/// The dims of what a DequantizeLinear reads, also through the QuantizeLinear of a constant.
std::optional<Dims> dims_of_integers(const Node& dequantize) {
  const Value& integers = *dequantize.input(0);
  if (const Tensor* tensor = constant_of(integers)) return tensor->dims();
  const Node* quantize = integers.producer();
  if (quantize && is_quantize_linear(*quantize) && quantize->input(0)) {
    if (const Tensor* tensor = constant_of(*quantize->input(0))) return tensor->dims();
  }
  return integers.type().static_dims();
}

/// Bias elements for each output channel, if the tensor has one for each or one for all.
std::optional<std::vector<float>> per_channel(const Tensor& bias, std::int64_t channels) {
  const Dims& dims = bias.dims();
  const bool one_for_each = !dims.empty() && dims.back() == channels && bias.size() == channels;
  if (one_for_each) return bias.to_vector<float>();
  if (bias.size() != 1) return std::nullopt;
  return std::vector<float>(static_cast<std::size_t>(channels), bias.at<float>(0));
}

}  // namespace

/// What a node adds up before its bias: products of integers, each worth unit * s_w.
struct IntegerBias::Products {
  Node* weight = nullptr;  // the DequantizeLinear of the weight
  QdqParams params;        // its numbers
  WeightLayout layout;
  std::vector<double> units;  // s_x * alpha / beta, or that of each channel of the data
  std::size_t data_bits = 8;
  double largest_data = 0.0;  // of the data's integers' magnitudes
  double largest_sum = 0.0;   // of the products' magnitudes; 0 if the accumulator is wider than int32

  /// Which of the weight's scales output channel c has.
  std::size_t scale_index(std::size_t c) const {
    return params.per_tensor() ? 0 : c % static_cast<std::size_t>(layout.along);
  }
  /// Of output channel c. Where data have a scale for each channel, each makes as many outputs.
  double unit(std::size_t c) const {
    return units[c * units.size() / static_cast<std::size_t>(layout.channels)];
  }
  float scale(std::size_t c) const {
    return static_cast<float>(unit(c) * static_cast<double>(params.channels[scale_index(c)].scale));
  }
  /// All outputs have one scale.
  bool per_tensor() const { return params.per_tensor() && units.size() == 1; }
  /// b / scale, rounded half to even.
  double integer(float bias, std::size_t c) const {
    return std::nearbyint(static_cast<double>(bias) / static_cast<double>(scale(c)));
  }
  /// The largest integer that leaves room for the products in int32. Half of it is always the bias's, since
  /// sums that large do not occur.
  double room() const {
    return std::max(double{std::numeric_limits<std::int32_t>::max()} - largest_sum, std::ldexp(1.0, 30));
  }
  /// The most that a sum of output channel c can change when weights of scale `before` are rounded to steps
  /// of `after`.
  double lost_by(double before, double after, std::size_t c) const {
    const double half_width = (params.channels.front().range.max - params.channels.front().range.min) / 2.0;
    return static_cast<double>(layout.terms) * largest_data * unit(c) *
           std::min(half_width * before, after / 2.0);
  }
  double may_lose(float bias) const {
    constexpr double kNothing = 1e-30;
    return std::max(std::ldexp(std::fabs(static_cast<double>(bias)), -static_cast<int>(data_bits) - 4),
                    kNothing);
  }
  bool fits(float bias, std::size_t c) const {
    return std::isnormal(scale(c)) && std::fabs(integer(bias, c)) <= room();
  }
};

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

/// Given: the data have a scale for each channel where they are dequantised. Result: each output channel is a
/// sum over one of these channels, in their order.
bool IntegerBias::takes_channels_apart(const Node& node, const QdqParams& data) const {
  const bool in_groups = (node.is("Conv") || node.is("ConvTranspose")) && data.axis == 1 &&
                         node.int_or("group", 1) == static_cast<std::int64_t>(data.channels.size());
  const Value* value = node.input(0);
  while (in_groups && !is_dequantize_linear(*value->producer())) {
    const OpTraits& traits = classes_.of(*value->producer());
    if (!traits.channels_apart) return false;
    value = value->producer()->input(traits.data.front());
  }
  return in_groups;
}

std::optional<IntegerBias::Products> IntegerBias::products_of(const Node& node, std::string& why) const {
  const auto no = [&](std::string reason) {
    why = std::move(reason);
    return std::nullopt;
  };
  Products products;
  products.weight = node.input(1)->producer();
  std::optional<QdqParams> weight = read_qdq(*products.weight);
  if (!weight) return no("its weight's scale is no constant");
  const std::optional<Dims> dims = dims_of_integers(*products.weight);
  const std::optional<WeightLayout> layout = dims ? weight_layout(node, *dims) : std::nullopt;
  if (!layout) return no("the shape of its weight is not known");
  if (!weight->per_tensor() && weight->axis != layout->axis) {
    return no("its weight's scales do not lie along the output channels");
  }
  const Node* source = source_of_data(node);
  const std::optional<QdqParams> data = source ? read_qdq(*source) : std::nullopt;
  if (!data) return no("its data have no scale");
  if (!data->per_tensor() && !takes_channels_apart(node, *data)) {
    return no("it sums over channels of its data that have a scale each");
  }

  const bool gemm = node.is("Gemm");
  const double alpha = gemm ? static_cast<double>(node.float_or("alpha", 1.0F)) : 1.0;
  const double beta = gemm ? static_cast<double>(node.float_or("beta", 1.0F)) : 1.0;
  if (beta == 0.0 || !(alpha / beta > 0.0)) return no(fmt::format("alpha is {} and beta {}", alpha, beta));

  if (is_eight_bits(*data) && is_eight_bits(*weight)) {
    products.largest_sum =
        static_cast<double>(layout->terms) * largest_integer(*data) * largest_integer(*weight);
  }
  products.data_bits = bit_width(data->dtype);
  products.largest_data = largest_integer(*data);
  for (const QuantParams& channel : data->channels)
    products.units.push_back(static_cast<double>(channel.scale) * (alpha / beta));
  products.params = std::move(*weight);
  products.layout = *layout;
  return products;
}

/// Where a bias does not fit, s_w rises until the bias takes 30 bits with its sign, provided that what the
/// channel's weights lose is at most a sixteenth of a step of a result as large as the bias.
void IntegerBias::raise_scales(const Node& node, const std::vector<float>& bias, Products& products) {
  Node& dequantize = *products.weight;
  Node* quantize = dequantize.input(0)->producer();
  Value* scale = dequantize.input(1);
  const bool ours_alone = quantize && is_quantize_linear(*quantize) && constant_of(*quantize->input(0)) &&
                          quantize->input(1) == scale && quantize->output(0).has_single_use() &&
                          dequantize.output(0).has_single_use() && !products.params.per_tensor();
  if (!ours_alone) return;
  Products raised = products;
  std::size_t count = 0;
  for (std::size_t c = 0; c < bias.size(); ++c) {
    if (raised.fits(bias[c], c) || !std::isfinite(bias[c])) continue;
    const double wanted =
        std::max(std::ldexp(std::fabs(static_cast<double>(bias[c])), -29), 2.0 * kSmallestScale) /
        raised.unit(c);
    float& s_w = raised.params.channels[raised.scale_index(c)].scale;
    const double lost = raised.lost_by(static_cast<double>(s_w), wanted, c);
    s_w = static_cast<float>(wanted);
    if (!raised.fits(bias[c], c) || lost > raised.may_lose(bias[c])) return;
    ++count;
  }
  if (count == 0) return;
  products = std::move(raised);
  std::vector<float> scales;
  for (const QuantParams& channel : products.params.channels) scales.push_back(channel.scale);
  Value& changed = outermost(dequantize.graph())
                       .new_initializer(scale->name(), Tensor::floats(constant_of(*scale)->dims(), scales));
  quantize->set_input(1, &changed);
  dequantize.set_input(1, &changed);
  replaced_.push_back(scale);
  diagnostics_.note(
      codes::kRaisedScale,
      fmt::format("node '{}': {} of {} channels have weights so small beside the bias that their scale is "
                  "raised, for the bias to fit int32",
                  node.label(), count, bias.size()));
}

/// A constant bias of float32 beside a weight that is dequantised, and what would be added to it.
struct IntegerBias::Candidate {
  Value* bias;
  std::vector<float> values;  // of each output channel
  Products products;

  /// The first channel whose bias does not fit.
  std::optional<std::size_t> misfit() const {
    for (std::size_t c = 0; c < values.size(); ++c) {
      if (!products.fits(values[c], c)) return c;
    }
    return std::nullopt;
  }
};

/// nullopt: there is none, or, with a reason `why`, its bias cannot be integer.
std::optional<IntegerBias::Candidate> IntegerBias::candidate(const Node& node, std::string& why) const {
  if (!node.is("Conv") && !node.is("ConvTranspose") && !node.is("Gemm")) return std::nullopt;
  Value* bias = node.input(kBias);
  const Tensor* tensor = bias ? constant_of(*bias) : nullptr;
  const Value* weight = node.input(1);
  if (!tensor || tensor->dtype() != DType::kFloat32 || !weight || !weight->producer() ||
      !is_dequantize_linear(*weight->producer())) {
    return std::nullopt;
  }
  std::optional<Products> products = products_of(node, why);
  if (!products) return std::nullopt;
  std::optional<std::vector<float>> values = per_channel(*tensor, products->layout.channels);
  if (!values) {
    why = "it is not one number for each output channel";
    return std::nullopt;
  }
  return Candidate{bias, std::move(*values), std::move(*products)};
}

bool IntegerBias::raise_scales(Node& node) {
  std::string why;
  std::optional<Candidate> found = candidate(node, why);
  if (!found) return true;
  raise_scales(node, found->values, found->products);
  return !found->misfit();
}

void IntegerBias::lower(Node& node) {
  std::string why;
  std::optional<Candidate> found = candidate(node, why);
  const auto stays_float = [&] {
    diagnostics_.note(codes::kStaysFloat, fmt::format("bias '{}' of node '{}' stays float: {}",
                                                      node.input(kBias)->name(), node.label(), why));
  };
  if (!found) {
    if (!why.empty()) stays_float();
    return;
  }
  const std::vector<float>& values = found->values;
  Products& products = found->products;
  raise_scales(node, values, products);
  if (const auto misfit = found->misfit()) {
    why = fmt::format("its element {} is {}, which int32 of scale {} cannot hold", *misfit, values[*misfit],
                      products.scale(*misfit));
    return stays_float();
  }
  std::vector<std::int32_t> integers;
  for (std::size_t c = 0; c < values.size(); ++c)
    integers.push_back(static_cast<std::int32_t>(products.integer(values[c], c)));
  std::vector<float> scales;
  for (std::size_t c = 0; c < (products.per_tensor() ? 1 : values.size()); ++c)
    scales.push_back(products.scale(c));
  node.set_input(kBias, &dequantized(*found->bias, node, std::move(integers), std::move(scales)));
  replaced_.push_back(found->bias);
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
  Value& scale =
      outermost(graph).new_initializer(bias.name() + "_scale", Tensor::floats(dims, std::move(scales)));
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
