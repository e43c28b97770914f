#include "passes/apply_templates.h"

#include <fmt/format.h>

#include "ir/walk.h"
#include "passes/carried_scales.h"
#include "passes/explain_placement.h"
#include "passes/fold_settings.h"
#include "passes/idle_settings.h"
#include "passes/placement.h"
#include "passes/size_remedies.h"
#include "passes/target_judge.h"
#include "passes/weight_decisions.h"

namespace qprep {
namespace {

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

/// Leaves the units, and nothing of what was decided before.
void forget_decisions(Plan& plan) {
  for (auto& [node, entry] : plan.nodes) {
    const int unit = entry.unit;
    entry = {};
    entry.unit = unit;
  }
  plan.values.clear();
  plan.carried.clear();
  plan.same_as.clear();
  plan.not_quantised.clear();
  plan.known_scales.clear();
  plan.shared_scales.clear();
  plan.scale_groups.clear();
  plan.one_scale.clear();
}

/// Where the target's table has the BPU run what its class leaves to the CPU (an LSTM, an ArgMax), the reason
/// says so.
void tell_of_unused_rows(const DataFlow& flow, const TargetJudge& target, Plan& plan) {
  if (!target.has_table()) return;
  for (const Node* node : flow.nodes()) {
    const OpClass op_class = flow.traits(*node).op_class;
    if (op_class != OpClass::kFloat && op_class != OpClass::kInteger) continue;
    const Judgement judgement = target.of_single(*node);
    if (judgement.runs != RunsOn::kBpu || judgement.verdict == Verdict::kBroken) continue;
    plan.nodes[node].device_because.append(
        fmt::format("; {} has it on the BPU, where its own tools may put it{}", target.march(),
                    op_class == OpClass::kFloat ? ": qprep knows no scales inside" : ""));
  }
}

}  // namespace

void apply_templates(const Model& model, Plan& plan, Env& env) {
  forget_decisions(plan);
  const std::size_t nodes = model.graph->nodes().size();
  const std::size_t constants = model.graph->initializers().size();
  plan.nodes.reserve(nodes);
  plan.values.reserve(nodes);
  plan.not_quantised.reserve(nodes + constants);
  plan.constants.reserve(constants);
  plan.known_scales.reserve(constants);
  const DataFlow flow(model, *env.op_classes, plan);
  find_carried_scales(flow, plan);
  plan.settings = fold_settings(model, env.settings, flow, plan, env.diagnostics);
  const NodeSettings& settings = *plan.settings;
  const TargetJudge target(*env.op_classes, env.march, model.opset());
  const WeightDecisions weighed = decide_weights(flow, settings, target, plan);
  const QuantisedNodes quantised = place(flow, weighed, settings, env.march, target, plan);
  explain_placement(flow, weighed, settings, quantised, plan);
  tell_of_unused_rows(flow, target, plan);
  add_size_remedies(*model.graph, flow, plan);
  warn_of_idle_settings(*model.graph, plan, env.diagnostics);
  erase_if(plan.known_scales, [&](const auto& entry) { return !plan.values.contains(entry.first); });
  for (const Node* node : flow.nodes()) {
    if (!is_control_flow(*node)) leave_bodies_float(*node, plan);
  }
  for (const Function& function : model.functions) {
    leave_float(
        *function.body,
        fmt::format("inside the model's function {}.{}, which stays float", function.domain, function.name),
        plan);
  }
}

}  // namespace qprep
