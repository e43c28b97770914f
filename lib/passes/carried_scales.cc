#include "passes/carried_scales.h"

#include <fmt/format.h>

#include "passes/qdq.h"
#include "quant/fake_quant.h"

namespace qprep {
namespace {

bool is_of_constant(const Node& node) {
  const Value* data = node.input(0);
  const Node* before = data ? data->producer() : nullptr;
  if (before && is_quantize_linear(*before)) return is_of_constant(*before);
  return data && constant_of(*data);
}

std::optional<QuantSpec> spec_of_pair(const Node& node) {
  const std::optional<QdqParams> params = read_qdq(node);
  if (!params) return std::nullopt;
  QuantSpec spec;
  const bool wide = params->dtype == DType::kInt16 || params->dtype == DType::kUInt16;
  spec.precision = wide ? Precision::kInt16 : Precision::kInt8;
  spec.channel_axis = params->per_tensor() ? -1 : static_cast<std::int64_t>(params->axis);
  spec.observer = "fixed";
  return spec;
}

std::optional<QuantSpec> spec_of(const Node& node) {
  if (is_quantize_linear(node) || is_dequantize_linear(node)) return spec_of_pair(node);
  if (!is_fake_quantize(node)) return std::nullopt;
  const std::optional<FakeQuantAttrs> attributes = read_fake_quantize(node);
  return attributes ? std::optional(attributes->spec) : std::nullopt;
}

}  // namespace

void find_carried_scales(const DataFlow& flow, Plan& plan) {
  for (const Node* each : flow.nodes()) {
    const Node& node = *each;
    if (!node.input(0) || node.output_count() == 0) continue;
    const Value& result = node.output(0);
    if (const auto root = plan.carried.find(flow.of(result).root); root != plan.carried.end()) {
      const Decision handed_on = root->second;
      plan.carried.emplace(&result, handed_on);
      continue;
    }
    std::optional<QuantSpec> spec = spec_of(node);
    if (!spec) continue;
    const Role role = is_of_constant(node) ? Role::kWeight : Role::kActivation;
    plan.carried.emplace(&result,
                         Decision{std::move(*spec), fmt::format("{} of the model", name_of(node)), role});
  }
}

}  // namespace qprep
