#include "passes/roundable_layers.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "passes/constants.h"
#include "quant/fake_quant.h"
#include "quant/fake_quant_math.h"

namespace qprep {
namespace {

constexpr std::int64_t kMostElements = std::int64_t{1} << 24;

/// The axis of the weight that has an index for each output.
std::int64_t output_axis(const Node& node) {
  return node.is("Conv") || (node.is("Gemm") && node.int_or("transB", 0) != 0) ? 0 : 1;
}

std::vector<std::int64_t> ints_or(const Node& node, const char* name, std::size_t count, std::int64_t usual) {
  std::vector<std::int64_t> ints = node.ints_or(name, {});
  if (ints.empty()) ints.assign(count, usual);
  return ints;
}

std::optional<LayerWindow> window_of(const Node& node, const Dims& weight) {
  LayerWindow window;
  if (node.is("MatMul") || (node.is("Gemm") && node.int_or("transA", 0) == 0))
    return weight.size() == 2 ? std::optional(window) : std::nullopt;
  if (!node.is("Conv") || weight.size() < 3) return std::nullopt;
  const std::size_t axes = weight.size() - 2;
  window.is_convolution = true;
  window.kernel.assign(weight.begin() + 2, weight.end());
  window.strides = ints_or(node, "strides", axes, 1);
  window.dilations = ints_or(node, "dilations", axes, 1);
  window.pads = ints_or(node, "pads", 2 * axes, 0);
  window.auto_pad = node.string_or("auto_pad", "NOTSET");
  window.groups = node.int_or("group", 1);
  const bool fits = window.strides.size() == axes && window.dilations.size() == axes &&
                    window.pads.size() == 2 * axes && window.groups >= 1 && weight[0] % window.groups == 0;
  return fits ? std::optional(std::move(window)) : std::nullopt;
}

/// A FakeQuantize of a constant that nothing but the layer reads, with scales that fit its outputs.
Node* own_quantiser(const Node& node) {
  Value* quantised = node.input_count() >= 2 ? node.input(1) : nullptr;
  Node* maker = quantised ? quantised->producer() : nullptr;
  if (!maker || !is_fake_quantize(*maker) || !quantised->has_single_use()) return nullptr;
  const Tensor* weight = maker->input(0) ? constant_of(*maker->input(0)) : nullptr;
  const auto attributes = read_fake_quantize(*maker);
  if (!weight || weight->dtype() != DType::kFloat32 || weight->size() == 0 ||
      weight->size() > kMostElements || !attributes || !attributes->calibrated) {
    return nullptr;
  }
  const auto params = params_of_fake_quantize(*maker, *attributes);
  const std::int64_t axis = attributes->spec.channel_axis;
  if (!params || (axis >= 0 && axis != output_axis(node))) return nullptr;
  const std::vector<std::int32_t> zeros = params->zero_point->to_vector<std::int32_t>();
  return std::all_of(zeros.begin(), zeros.end(), [](std::int32_t zero) { return zero == 0; }) ? maker
                                                                                              : nullptr;
}

/// Rows of one output each, of a matrix that may have them as columns.
std::vector<float> transposed(std::span<const float> from, std::size_t rows, std::size_t columns) {
  std::vector<float> to(from.size());
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
  }
  return to;
}

/// The variance that rounding brings to the results of all rows.
double lost(std::span<const float> rows, std::span<const float> rounded, const InputMoments& moments) {
  double sum = 0;
  std::vector<float> difference(moments.inputs());
  for (std::size_t first = 0; first < rows.size(); first += difference.size()) {
    for (std::size_t i = 0; i < difference.size(); ++i) difference[i] = rows[first + i] - rounded[first + i];
    sum += moments.variance(difference);
  }
  return sum;
}

bool helps_on_the_other_half(std::span<const float> rows, std::span<const float> scales, QuantRange range,
                             const InputMoments& one, const InputMoments& other) {
  std::vector<float> suggested(rows.begin(), rows.end()), nearest(rows.size());
  if (!round_to_least_error(suggested, scales, range, one)) return false;
  const std::size_t inputs = one.inputs();
  for (std::size_t row = 0; row < scales.size(); ++row) {
    const std::size_t first = row * inputs;
    fake_quantize(rows.subspan(first, inputs), std::span(nearest).subspan(first, inputs),
                  QuantParams{scales[row], 0, range});
  }
  return lost(rows, suggested, other) < lost(rows, nearest, other);
}

/// What held the weight is gone if nothing else reads it. A weight that is an input's default stays one.
void replace_weight(Node& quantiser, Tensor weight) {
  Value& value = *quantiser.input(0);
  if (value.initializer() && value.has_single_use()) {
    value.graph().set_initializer(value, std::move(weight));
    return;
  }
  Node* constant = value.producer();
  set_constant_input(quantiser, 0, std::move(weight), value.name() + "_rounded");
  if (constant && value.is_unused()) constant->graph().erase(*constant);
}

}  // namespace

std::vector<RoundableLayer> roundable_layers(Graph& graph, std::size_t most_inputs) {
  std::vector<RoundableLayer> layers;
  for (Node& node : graph.nodes()) {
    if (!node.is("Conv") && !node.is("Gemm") && !node.is("MatMul")) continue;
    Node* quantiser = own_quantiser(node);
    if (!quantiser || !node.input(0)) continue;
    const Tensor& weight = *constant_of(*quantiser->input(0));
    auto window = window_of(node, weight.dims());
    if (!window) continue;
    const Node* maker = node.input(0)->producer();
    const Value* data = maker && is_fake_quantize(*maker) ? maker->input(0) : node.input(0);
    if (!data || constant_of(*data)) continue;
    const std::int64_t outputs = weight.dims()[static_cast<std::size_t>(output_axis(node))];
    const auto inputs = static_cast<std::size_t>(weight.size() / outputs);
    if (inputs > most_inputs) continue;
    layers.push_back({&node, quantiser, data->name(), std::move(*window), inputs});
  }
  return layers;
}

bool round_weights(const RoundableLayer& layer, const LayerMoments& moments, UnroundedWeights& unrounded) {
  const Tensor weight = *constant_of(*layer.quantiser->input(0));
  const auto attributes = read_fake_quantize(*layer.quantiser);
  const auto params = params_of_fake_quantize(*layer.quantiser, *attributes);
  std::vector<float> numbers = weight.to_vector<float>();
  const std::size_t outputs = numbers.size() / layer.inputs;
  std::vector<float> scales = params->scale->to_vector<float>();
  if (attributes->spec.channel_axis < 0) scales.assign(outputs, scales.front());

  const bool as_columns = output_axis(*layer.node) == 1;
  if (as_columns) numbers = transposed(numbers, layer.inputs, outputs);
  const std::size_t in_group = outputs / moments.one.size();
  bool any = false;
  for (std::size_t group = 0; group < moments.one.size(); ++group) {
    const auto rows = std::span(numbers).subspan(group * in_group * layer.inputs, in_group * layer.inputs);
    const auto of_rows = std::span<const float>(scales).subspan(group * in_group, in_group);
    if (!helps_on_the_other_half(rows, of_rows, attributes->range, moments.one[group], moments.other[group]))
      continue;
    InputMoments all = moments.one[group];
    all.merge(moments.other[group]);
    any = round_to_least_error(rows, of_rows, attributes->range, all) || any;
  }
  if (!any) return false;
  if (as_columns) numbers = transposed(numbers, outputs, layer.inputs);
  unrounded.emplace(layer.quantiser, weight);
  replace_weight(*layer.quantiser, Tensor::floats(weight.dims(), std::move(numbers)));
  return true;
}

}  // namespace qprep
