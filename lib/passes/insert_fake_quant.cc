#include "passes/insert_fake_quant.h"

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/walk.h"
#include "quant/fake_quant.h"

namespace qprep {
namespace {

class Inserter {
 public:
  Inserter(Graph& graph, const Plan& plan) : graph_(graph), plan_(plan) {}

  void run() {
    constexpr std::size_t kNames = 3;  // scale, zero_point, output
    graph_.names().values.expect(kNames * plan_.values.size());
    graph_.names().nodes.expect(plan_.values.size());
    done_.reserve(plan_.values.size());
    visit(graph_);
  }

 private:
  void visit(Graph& graph) {
    auto& nodes = graph.nodes();
    for (auto at = nodes.begin(); at != nodes.end();) {
      Node& node = *at++;
      Node* next = at == nodes.end() ? nullptr : &*at;
      for (Value* input : node.inputs()) {
        if (input && !input->producer()) insert(*input, &holder_in(input->graph(), node));
      }
      if (is_control_flow(node)) {
        for (Graph* body : node.bodies()) visit(*body);
      }
      for (std::size_t i = 0; i < node.output_count(); ++i) insert(node.output(i), next);
    }
  }

  /// Result: the FakeQuantize that the plan wants for the value stands before `before`, a node of the value's
  /// graph, once.
  void insert(Value& value, Node* before) {
    const auto planned = plan_.values.find(&value);
    if (planned == plan_.values.end() || !done_.insert(&value).second) return;
    const Decision& decision = planned->second;
    const std::vector<Use> uses(value.uses().begin(), value.uses().end());
    Node& node = fake_quantize(value, decision, before);
    Value& quantised = node.output(0);
    for (const Use& use : uses) {
      const NodePlan* reader = plan_.of(*use.node);
      if (reader && reader->reads_quantised(use.input)) {
        use.node->set_input(use.input, &quantised);
      }
    }
    if (decision.takes_output) take_output(value, quantised);
  }

  Node& fake_quantize(Value& value, const Decision& decision, Node* before) {
    const bool calibrated = decision.role == Role::kWeight || decision.fixed;
    const auto shared = plan_.shared_scales.find(&value);
    const auto first = shared == plan_.shared_scales.end() ? shared_.end() : shared_.find(shared->second);
    if (first != shared_.end()) {
      Node& other = *first->second;
      return insert_fake_quantize(value.graph(), before, value, decision.spec, *other.input(1),
                                  *other.input(2), calibrated);
    }
    const auto known = plan_.known_scales.find(&value);
    ScaleAndZeroPoint unset;
    if (known == plan_.known_scales.end()) unset = unset_scale(value.type(), decision.spec.channel_axis);
    const Tensor& scale = known == plan_.known_scales.end() ? unset.scale : known->second.scale;
    const Tensor& zero_point =
        known == plan_.known_scales.end() ? unset.zero_point : known->second.zero_point;
    Node& node =
        insert_fake_quantize(value.graph(), before, value, decision.spec, scale, zero_point, calibrated);
    if (shared != plan_.shared_scales.end()) shared_.emplace(shared->second, &node);
    return node;
  }

  static void take_output(const Value& value, Value& quantised) {
    Graph& graph = value.graph();
    const auto outputs = graph.outputs();
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i] == &value) return graph.redirect_output(i, quantised);
    }
  }

  Graph& graph_;
  const Plan& plan_;
  std::unordered_set<const Value*> done_;
  std::unordered_map<const Value*, Node*>
      shared_;  // the first with a scale in common, by Plan::shared_scales
};

}  // namespace

void insert_fake_quant(Model& model, const Plan& plan, Env&) {
  Inserter(*model.graph, plan).run();
  update_fake_quantize_functions(model);
}

}  // namespace qprep
