#include "report/accumulators.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ir/walk.h"

namespace qprep {
namespace {

double largest(const QuantSpec& spec) {
  const QuantRange range = range_of(spec);
  return spec.scheme.symmetric ? std::max(-static_cast<double>(range.min), static_cast<double>(range.max))
                               : static_cast<double>(range.max) - static_cast<double>(range.min);
}

/// K of a layer with this weight; 0: the node is no layer that sums products up.
std::int64_t products_of(const Node& node, const Dims& weight) {
  const std::optional<std::int64_t> elements = element_count(weight);
  if (!elements || weight.size() < 2) return 0;
  if (node.is("Conv")) return weight[0] > 0 ? *elements / weight[0] : 0;
  // Of [C, M / group, ...], each output sees C / group channels.
  if (node.is("ConvTranspose")) {
    const std::int64_t group = std::max<std::int64_t>(node.int_or("group", 1), 1);
    return weight[1] > 0 ? *elements / weight[1] / group : 0;
  }
  if (node.is("Gemm")) return weight[node.int_or("transB", 0) != 0 ? 1 : 0];
  if (node.is("MatMul")) return weight[weight.size() - 2];
  return 0;
}

/// The largest sum of |integer| over the weights of one output channel, which the axis counts.
std::optional<double> largest_row(const Tensor& weight, const KnownScale& known, const QuantSpec& spec) {
  const Dims& dims = weight.dims();
  const auto at = static_cast<std::size_t>(spec.channel_axis);
  if (spec.channel_axis < 0 || at >= dims.size() || known.scale.size() != dims[at]) return std::nullopt;
  std::int64_t inner = 1;
  for (std::size_t i = at + 1; i < dims.size(); ++i) inner *= dims[i];
  std::vector<double> sums(static_cast<std::size_t>(dims[at]), 0.0);
  const std::vector<float> scales = known.scale.to_vector<float>();
  const std::vector<float> values = weight.to_vector<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto channel = (i / static_cast<std::size_t>(inner)) % sums.size();
    const double integer =
        std::nearbyint(std::abs(static_cast<double>(values[i])) / static_cast<double>(scales[channel]));
    sums[channel] += std::min(integer, largest(spec));
  }
  return *std::ranges::max_element(sums);
}

/// The tensors that the layer multiplies, quantised both; nullopt: it does not.
struct Operands {
  const Decision* data;
  const Value* weight;
  const Decision* weighed;
};
std::optional<Operands> operands_of(const Node& node, const Plan& plan) {
  const NodePlan* decided = plan.of(node);
  const Value* weight = plan.weight_read_by(node);
  if (!decided || decided->device != Device::kBpu || !weight || !node.input(0)) return std::nullopt;
  const Decision* data = decided->reads_quantised(0) ? plan.decision_of(*node.input(0)) : nullptr;
  const Value* root = weight;
  const Decision* weighed = plan.decision_of(*root);
  if (!data || !weighed || !constant_of(*root)) return std::nullopt;
  return Operands{data, root, weighed};
}

}  // namespace

std::vector<AccumulatorRisk> accumulator_risks(const Model& model, const Plan& plan) {
  std::vector<AccumulatorRisk> risks;
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    const std::optional<Operands> operands = operands_of(*node, plan);
    if (!operands) continue;
    const Tensor& weight = *constant_of(*operands->weight);
    AccumulatorRisk risk;
    risk.products = products_of(*node, weight.dims());
    const double data = largest(operands->data->spec);
    risk.worst = static_cast<double>(risk.products) * data * largest(operands->weighed->spec);
    if (risk.worst <= static_cast<double>(kLargestAccumulator)) continue;
    const auto known = plan.known_scales.find(operands->weight);
    if (known != plan.known_scales.end() && weight.dtype() == DType::kFloat32) {
      const auto row = largest_row(weight, known->second, operands->weighed->spec);
      if (row) risk.bound = *row * data;
    }
    if (risk.bound.value_or(risk.worst) <= static_cast<double>(kLargestAccumulator)) continue;
    risk.node = node->label();
    risk.formats = fmt::format("{}*{}", to_text(operands->data->spec), to_text(operands->weighed->spec));
    risks.push_back(std::move(risk));
  }
  return risks;
}

nlohmann::ordered_json to_json(const AccumulatorRisk& risk) {
  nlohmann::ordered_json json = {{"node", risk.node},         {"formats", risk.formats},
                                 {"products", risk.products}, {"worst", risk.worst},
                                 {"bound", nullptr},          {"largest", kLargestAccumulator}};
  if (risk.bound) json["bound"] = *risk.bound;
  return json;
}

}  // namespace qprep
