#include "passes/dump_plan.h"

#include <fmt/format.h>
#include <unordered_set>

namespace qprep {
namespace {

std::string_view to_text(Role role) {
  switch (role) {
    case Role::kActivation:
      return "activation";
    case Role::kConstant:
      return "constant";
    case Role::kWeight:
      return "weight";
  }
  return "";
}

class PlanDumper {
 public:
  PlanDumper(const Model& model, const Plan& plan) : model_(model), plan_(plan) {}

  std::string text() {
    collect(*model_.graph);
    line(0, "plan");
    for (std::size_t i = 0; i < plan_.units.size(); ++i) {
      const Unit& unit = plan_.units[i];
      line(1, fmt::format("unit {} {}: {}{}", i, unit.pattern, labels(unit.nodes),
                          unit.bias ? fmt::format("; bias \"{}\"", unit.bias->name()) : ""));
    }
    for (const Miss& miss : plan_.misses) {
      line(1, fmt::format("miss {}: {}: {}", miss.pattern, labels(miss.nodes), miss.because));
    }
    for (const Block& block : plan_.blocks) {
      line(1, fmt::format("block {}: {}", block.name, labels(block.nodes)));
    }
    graph(*model_.graph, 1);
    return std::move(out_);
  }

 private:
  void line(int depth, std::string_view text) {
    out_.append(static_cast<std::size_t>(depth) * 2, ' ');
    out_ += text;
    out_ += '\n';
  }

  void collect(const Graph& graph) {
    for (const Node& node : graph.nodes()) {
      known_.insert(&node);
      for (const Graph* body : node.bodies()) collect(*body);
    }
  }

  std::string labels(const std::vector<const Node*>& nodes) const {
    std::string text;
    for (const Node* node : nodes) {
      if (!text.empty()) text += ", ";
      text += known_.contains(node) ? node->label() : "(gone)";
    }
    return text;
  }

  void value(const Value& value, int depth) {
    const std::string name = fmt::format("value \"{}\": ", value.name());
    if (const auto at = plan_.values.find(&value); at != plan_.values.end()) {
      const Decision& decision = at->second;
      const QuantSpec& spec = decision.spec;
      const std::string layout =
          spec.channel_axis < 0 ? "per tensor" : fmt::format("per channel of axis {}", spec.channel_axis);
      line(depth, fmt::format("{}{} {} {}, {}{}: {}", name, to_text(decision.role), to_text(spec), layout,
                              spec.observer, decision.takes_output ? ", as the graph's output" : "",
                              decision.because.text));
    }
    if (const auto at = plan_.same_as.find(&value); at != plan_.same_as.end()) {
      line(depth, fmt::format("{}as \"{}\"", name, at->second->name()));
    }
    if (const auto at = plan_.not_quantised.find(&value); at != plan_.not_quantised.end()) {
      line(depth, fmt::format("{}float: {}", name, at->second.text));
    }
  }

  void node(const Node& node, int depth) {
    if (const NodePlan* plan = plan_.of(node)) {
      std::string text = fmt::format("node {}: {}", node.label(), to_text(plan->device));
      if (!plan->device_because.empty()) text += fmt::format(" ({})", plan->device_because.text);
      if (plan->unit >= 0) text += fmt::format(", unit {}", plan->unit);
      if (!plan->quantised_inputs.empty()) {
        text += fmt::format("; reads quantised {}", fmt::join(plan->quantised_inputs, ", "));
      }
      if (!plan->output_because.empty()) text += fmt::format("; output: {}", plan->output_because.text);
      if (!plan->weight_because.empty()) text += fmt::format("; weight: {}", plan->weight_because.text);
      line(depth, text);
    }
    for (std::size_t i = 0; i < node.output_count(); ++i) value(node.output(i), depth + 1);
    for (const Graph* body : node.bodies()) {
      line(depth + 1, fmt::format("body \"{}\"", body->name()));
      graph(*body, depth + 2);
    }
  }

  void graph(const Graph& graph, int depth) {
    for (const Value* input : graph.inputs()) value(*input, depth);
    for (const Value* initializer : graph.initializers()) {
      if (!initializer->is_graph_input()) value(*initializer, depth);
    }
    for (const Node& each : graph.nodes()) node(each, depth);
  }

  const Model& model_;
  const Plan& plan_;
  std::unordered_set<const Node*> known_;
  std::string out_;
};

}  // namespace

std::string dump_plan(const Model& model, const Plan& plan) { return PlanDumper(model, plan).text(); }

}  // namespace qprep
