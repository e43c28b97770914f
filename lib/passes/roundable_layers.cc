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

/// (W - Q(W)) x on average, for each row. `rows`: W; `rounded`: before they are Q(W).
std::vector<double> shifts_of(std::span<const float> rows, std::span<const float> rounded,
                              std::span<const float> scales, QuantRange range,
                              std::span<const InputMoments> moments) {
  const std::size_t inputs = rows.size() / scales.size();
  const std::size_t in_group = scales.size() / moments.size();
  std::vector<double> shifts;
  std::vector<float> lost(inputs);
  for (std::size_t row = 0; row < scales.size(); ++row) {
    const auto before = rows.subspan(row * inputs, inputs);
    fake_quantize(rounded.subspan(row * inputs, inputs), std::span(lost), QuantParams{scales[row], 0, range});
    for (std::size_t i = 0; i < inputs; ++i) lost[i] = before[i] - lost[i];
    shifts.push_back(moments[row / in_group].mean(lost));
  }
  return shifts;
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

bool round_weights(const RoundableLayer& layer, const LayerMoments& moments, RoundingShifts& shifts) {
  const Tensor weight = *constant_of(*layer.quantiser->input(0));
  const auto attributes = read_fake_quantize(*layer.quantiser);
  const auto params = params_of_fake_quantize(*layer.quantiser, *attributes);
  std::vector<float> before = weight.to_vector<float>();
  const std::size_t outputs = before.size() / layer.inputs;
  std::vector<float> scales = params->scale->to_vector<float>();
  if (attributes->spec.channel_axis < 0) scales.assign(outputs, scales.front());

  const bool as_columns = output_axis(*layer.node) == 1;
  if (as_columns) before = transposed(before, layer.inputs, outputs);
  std::vector<float> numbers = before;
  std::vector<InputMoments> all = moments.one;
  const std::size_t in_group = outputs / all.size();
  bool any = false;
  for (std::size_t group = 0; group < all.size(); ++group) {
    all[group].merge(moments.other[group]);
    const auto rows = std::span(numbers).subspan(group * in_group * layer.inputs, in_group * layer.inputs);
    const auto of_rows = std::span<const float>(scales).subspan(group * in_group, in_group);
    if (!helps_on_the_other_half(rows, of_rows, attributes->range, moments.one[group], moments.other[group]))
      continue;
    any = round_to_least_error(rows, of_rows, attributes->range, all[group]) || any;
  }
  if (!any) return false;
  std::vector<double> shift = shifts_of(before, numbers, scales, attributes->range, all);
  if (layer.node->is("Gemm")) {
    for (double& each : shift) each *= static_cast<double>(layer.node->float_or("alpha", 1.0F));
  }
  shifts.emplace(layer.quantiser, std::move(shift));
  if (as_columns) numbers = transposed(numbers, outputs, layer.inputs);
  replace_weight(*layer.quantiser, Tensor::floats(weight.dims(), std::move(numbers)));
  return true;
}

}  // namespace qprep
