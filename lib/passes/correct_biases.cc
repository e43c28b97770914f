#include "passes/correct_biases.h"

#include <fmt/format.h>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <unordered_set>
#include <utility>
#include <variant>

#include "ir/name_of.h"
#include "passes/constants.h"
#include "passes/layer_window.h"
#include "passes/linear_layer.h"
#include "quant/fake_quant.h"
#include "quant/fake_quant_math.h"
#include "support/codes.h"

namespace qprep {
namespace {

/// The FakeQuantize that makes what the node reads; null: none does.
const Node* fake_quantize_before(const Node& node, std::size_t input) {
  const Value* value = node.input(input);
  const Node* maker = value ? value->producer() : nullptr;
  return maker && is_fake_quantize(*maker) ? maker : nullptr;
}

/// The FakeQuantize of a weight.
class WeightQuantiser {
 public:
  /// nullopt: the node quantises no constant, or not yet.
  static std::optional<WeightQuantiser> of(const Node& node);

  const Tensor& weight() const { return *weight_; }
  std::vector<float> quantised(const Tensor& weight) const;

 private:
  WeightQuantiser() = default;
  const Tensor* weight_ = nullptr;
  FakeQuantAttrs attributes_;
  std::vector<float> scales_;
  std::vector<std::int32_t> zero_points_;
};

std::optional<WeightQuantiser> WeightQuantiser::of(const Node& quantiser) {
  const Tensor* weight = quantiser.input(0) ? constant_of(*quantiser.input(0)) : nullptr;
  const auto attributes = read_fake_quantize(quantiser);
  if (!weight || weight->dtype() != DType::kFloat32 || !attributes || !attributes->calibrated)
    return std::nullopt;
  const auto params = params_of_fake_quantize(quantiser, *attributes);
  if (!params) return std::nullopt;
  WeightQuantiser found;
  found.weight_ = weight;
  found.attributes_ = *attributes;
  found.scales_ = params->scale->to_vector<float>();
  found.zero_points_ = params->zero_point->to_vector<std::int32_t>();
  return found;
}

std::vector<float> WeightQuantiser::quantised(const Tensor& weight) const {
  const std::vector<float> numbers = weight.to_vector<float>();
  std::vector<float> quantised(numbers.size());
  if (attributes_.spec.channel_axis < 0) {
    fake_quantize(std::span<const float>(numbers), quantised,
                  QuantParams{scales_.front(), zero_points_.front(), attributes_.range});
  } else {
    fake_quantize_per_channel(numbers, quantised, weight.dims(),
                              static_cast<std::size_t>(attributes_.spec.channel_axis), scales_, zero_points_,
                              attributes_.range);
  }
  return quantised;
}

Tensor difference(const Dims& dims, std::vector<float> from, const std::vector<float>& less) {
  for (std::size_t i = 0; i < from.size(); ++i) from[i] -= less[i];
  return Tensor::floats(dims, std::move(from));
}

/// W - Q(W).
Tensor rounding_of(const WeightQuantiser& quantiser) {
  const Tensor& weight = quantiser.weight();
  return difference(weight.dims(), weight.to_vector<float>(), quantiser.quantised(weight));
}

std::vector<Node*> writable_nodes(Graph& graph) {
  std::vector<Node*> nodes;
  for (Node& node : graph.nodes()) {
    nodes.push_back(&node);
    for (Graph* body : node.bodies()) {
      const std::vector<Node*> inside = writable_nodes(*body);
      nodes.insert(nodes.end(), inside.begin(), inside.end());
    }
  }
  return nodes;
}

/// Why the means are not those of what the layer sums up; empty: they are.
std::string misfit(const ChannelMeans& means, const LinearLayer& layer) {
  const std::int64_t summed = layer.is_convolution() ? 1 : -1;
  if (means.axis != summed) {
    return fmt::format("it sums up axis {} of what it reads, and the means are those of axis {}", summed,
                       means.axis);
  }
  const auto count = static_cast<std::int64_t>(means.means.size());
  if (count == layer.inputs()) return "";
  return fmt::format("it sums up {} channels, and what it reads has {}", layer.inputs(), count);
}

/// Of a convolution that pads, on data of known size; empty: every tap sees the data everywhere, as far as is
/// known.
std::vector<double> shares_of(const Node& node, const Dims& weight, const Value& data) {
  const auto window = window_of(node, weight);
  const auto& shape = data.type().shape;
  if (!window || !window->is_convolution || !shape || shape->size() != weight.size()) return {};
  std::vector<std::int64_t> sizes;
  for (std::size_t i = 2; i < shape->size(); ++i) {
    if (!(*shape)[i].known()) return {};
    sizes.push_back((*shape)[i].size);
    if (window_axis(*window, i - 2, sizes.back()).results <= 0) return {};
  }
  return tap_shares(*window, sizes);
}

/// What the result lacks on average, for each output channel.
std::vector<double> shift_of(const LinearLayer& rounding, const std::vector<double>& means,
                             const std::vector<double>& shares) {
  std::vector<double> shift = rounding.response_to(means, shares);
  if (!rounding.node().is("ConvTranspose")) return shift;
  const std::vector<std::int64_t> strides = rounding.node().ints_or("strides", {});
  const auto apart = static_cast<double>(
      std::accumulate(strides.begin(), strides.end(), std::int64_t{1}, std::multiplies<>()));
  for (double& each : shift) each /= apart;
  return shift;
}

/// Where the bias of the layer stands, if it can be changed.
struct Bias {
  Node* node = nullptr;
  std::size_t input = 2;
  std::vector<double> numbers;  // as they act
  double beta = 1;              // by which the node multiplies what stands there
  Dims dims;
};

/// Or why there is none that can be changed.
using BiasOrWhy = std::variant<Bias, std::string>;

/// Of a MatMul: the Add of a constant, if nothing else reads the product.
BiasOrWhy bias_behind(const Node& product, std::int64_t outputs) {
  const Value& result = product.output(0);
  if (!result.has_single_use() || result.is_graph_output())
    return "it has no bias, and not one node alone reads its result";
  Node& add = *result.uses().front().node;
  if (!add.is("Add")) return "it has no bias, and no Add follows";
  const std::size_t input = 1 - result.uses().front().input;
  const Tensor* constant = add.input(input) ? constant_of(*add.input(input)) : nullptr;
  const bool per_channel = constant && constant->dtype() == DType::kFloat32 && constant->size() == outputs &&
                           !constant->dims().empty() && constant->dims().back() == outputs;
  if (!per_channel) return "the Add that follows adds no constant for each channel";
  Bias bias{&add, input, {}, 1, constant->dims()};
  for (const float each : constant->to_vector<float>()) bias.numbers.push_back(static_cast<double>(each));
  return bias;
}

BiasOrWhy bias_of(const LinearLayer& layer) {
  if (!layer.has_bias()) return bias_behind(layer.node(), layer.outputs());
  auto numbers = layer.bias();
  if (!numbers) return "its bias is no constant for each channel";
  const double beta =
      layer.node().is("Gemm") ? static_cast<double>(layer.node().float_or("beta", 1.0F)) : 1.0;
  if (beta == 0) return "its beta is 0";
  return Bias{&layer.node(), 2, std::move(*numbers), beta, {layer.outputs()}};
}

/// `quantiser`: of what the layer reads; null: something else makes that.
std::string why_no_means(const Node& layer, const Node* quantiser) {
  if (quantiser)
    return fmt::format("the means of {} by channel are not known", name_of(*quantiser->input(0)));
  const Node* maker = layer.input(0) ? layer.input(0)->producer() : nullptr;
  return maker ? fmt::format("it reads the result of {}, of which no means are observed", name_of(*maker))
               : "it reads what is not quantised";
}

/// The bias of the layer with the shift added, or why it is left alone.
std::variant<ConstantChange, std::string> with_shift(const LinearLayer& layer,
                                                     const std::vector<double>& shift) {
  BiasOrWhy found = bias_of(layer);
  if (auto* why = std::get_if<std::string>(&found)) return std::move(*why);
  const Bias& bias = std::get<Bias>(found);
  std::vector<float> corrected;
  for (std::size_t o = 0; o < shift.size(); ++o) {
    corrected.push_back(static_cast<float>((bias.numbers[o] + shift[o]) / bias.beta));
  }
  return ConstantChange(*bias.node, bias.input, Tensor::floats(bias.dims, std::move(corrected)),
                        layer.node().label() + "_corrected_bias");
}

using MeansByValue = std::unordered_map<const Value*, ChannelMeans>;

/// `rounding`: the layer with what rounding takes from its weight.
std::variant<ConstantChange, std::string> correct(const LinearLayer& rounding, const Dims& weight,
                                                  const MeansByValue& means) {
  const Node& node = rounding.node();
  const Node* data = fake_quantize_before(node, 0);
  const auto known = data ? means.find(data->input(0)) : means.end();
  if (known == means.end()) return why_no_means(node, data);
  if (std::string why = misfit(known->second, rounding); !why.empty()) return why;
  return with_shift(rounding,
                    shift_of(rounding, known->second.means, shares_of(node, weight, *data->input(0))));
}

}  // namespace

CorrectedBiases correct_biases(Graph& graph, const MeansByValue& means, const RoundingShifts& shifts) {
  CorrectedBiases result;
  for (Node* node : writable_nodes(graph)) {
    const Node* weight = node->input_count() >= 2 ? fake_quantize_before(*node, 1) : nullptr;
    const auto quantiser = weight ? WeightQuantiser::of(*weight) : std::nullopt;
    if (!quantiser) continue;
    const Tensor rounding = rounding_of(*quantiser);
    const auto layer = LinearLayer::of(*node, rounding);
    if (std::holds_alternative<std::string>(layer)) continue;
    ++result.layers;
    const auto known = shifts.find(weight);
    auto change = known == shifts.end() ? correct(std::get<LinearLayer>(layer), rounding.dims(), means)
                                        : with_shift(std::get<LinearLayer>(layer), known->second);
    if (auto* why = std::get_if<std::string>(&change)) {
      result.left_alone.push_back({node->label(), std::move(*why)});
    } else {
      result.corrected.push_back(node->label());
      result.changes.push_back(std::get<ConstantChange>(std::move(change)));
    }
  }
  return result;
}

void CorrectedBiases::exchange() {
  for (ConstantChange& change : changes) change.exchange();
}

void CorrectedBiases::forget() {
  for (ConstantChange& change : changes) change.forget();
  changes.clear();
}

void CorrectedBiases::settle(Diagnostics& diagnostics) {
  std::vector<Value*> unused;
  std::unordered_set<Value*> defaults;
  std::string first;
  for (ConstantChange& change : changes) {
    Value* before = change.settle();
    if (!before) continue;
    unused.push_back(before);
    if (!before->is_graph_input()) continue;
    if (defaults.empty()) first = before->name();
    defaults.insert(before);
  }
  changes.clear();
  if (!defaults.empty()) {
    (*defaults.begin())->graph().drop_inputs(defaults);
    diagnostics.note(
        codes::kOverridableInitializer,
        fmt::format("input '{}'{} had a bias as its default, which was corrected; no longer an input", first,
                    defaults.size() > 1 ? fmt::format(" and {} more", defaults.size() - 1) : ""));
  }
  erase_unused_initializers(unused);
}

}  // namespace qprep
