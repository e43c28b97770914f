#include "passes/apply_templates.h"

#include <filesystem>
#include <fmt/format.h>

#include "passes/carried_scales.h"
#include "passes/explain_placement.h"
#include "passes/placement.h"
#include "passes/weight_decisions.h"

namespace qprep {
namespace {

Setting setting_for(std::string_view slot, Precision otherwise, const std::vector<Setting>& settings) {
  Setting chosen{std::string(slot), otherwise, {}, "default"};
  for (const Setting& setting : settings) {
    if (setting.slot == slot) chosen = setting;
  }
  return chosen;
}

/// "default: int8 activations", "default: method jit_strip" or "qprep.yaml:7:3 activations.dtype": the same
/// wherever the file lies, since it stands in the check result.
std::string source_of(const Setting& setting) {
  if (!setting.where.file.empty()) {
    Where where = setting.where;
    where.file = std::filesystem::path(where.file).filename().string();
    return fmt::format("{} {}", to_text(where), setting.what);
  }
  if (setting.slot == "tail") return "default: method jit_strip";
  const std::string_view word = to_text(setting.precision);
  return fmt::format("default: {} {}s", word.starts_with('q') ? word.substr(1) : word, setting.slot);
}

void leave_float(const Graph& graph, const std::string& because, Plan& plan);

void leave_bodies_float(const Node& node, Plan& plan) {
  for (const Graph* body : node.bodies()) {
    leave_float(*body, fmt::format("inside a body of {}, which stays float", name_of(node)), plan);
  }
}

void leave_float(const Graph& graph, const std::string& because, Plan& plan) {
  for (const Node& node : graph.nodes()) {
    NodePlan& entry = plan.nodes[&node];
    entry.device_because = entry.output_because = because;
    leave_bodies_float(node, plan);
  }
}

}  // namespace

void apply_templates(const Model& model, Plan& plan, Env& env) {
  const Setting activations = setting_for("activation", Precision::kInt8, env.settings);
  const Setting weights = setting_for("weight", Precision::kInt8, env.settings);
  const Setting tail = setting_for("tail", Precision::kFloat32, env.settings);
  const std::size_t nodes = model.graph->nodes().size();
  const std::size_t constants = model.graph->initializers().size();
  plan.nodes.reserve(nodes);
  plan.values.reserve(nodes);
  plan.not_quantised.reserve(nodes + constants);
  plan.constants.reserve(constants);
  plan.known_scales.reserve(constants);
  const DataFlow flow(model, *env.op_classes, plan);
  find_carried_scales(model, flow, plan);
  const WeightDecisions weighed = decide_weights(model, flow, {weights.precision, source_of(weights)}, plan);
  const Template chosen{activations.precision, source_of(activations)};
  const Template behind{tail.precision, source_of(tail)};
  const QuantisedNodes quantised = place(model, flow, weighed, chosen, behind, plan);
  explain_placement(model, flow, weighed, chosen, quantised, plan);
  std::erase_if(plan.known_scales, [&](const auto& entry) { return !plan.values.contains(entry.first); });
  for (const Node& node : model.graph->nodes()) leave_bodies_float(node, plan);
  for (const Function& function : model.functions) {
    leave_float(
        *function.body,
        fmt::format("inside the model's function {}.{}, which stays float", function.domain, function.name),
        plan);
  }
}

}  // namespace qprep
