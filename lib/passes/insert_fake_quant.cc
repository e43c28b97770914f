#include "passes/insert_fake_quant.h"

#include <unordered_set>
#include <vector>

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
    auto& nodes = graph_.nodes();
    for (auto at = nodes.begin(); at != nodes.end();) {
      Node& node = *at++;
      Node* next = at == nodes.end() ? nullptr : &*at;
      for (Value* input : node.inputs()) {
        if (input && !input->producer()) insert(*input, &node);
      }
      for (std::size_t i = 0; i < node.output_count(); ++i) insert(node.output(i), next);
    }
  }

 private:
  /// Result: the FakeQuantize that the plan wants for the value stands before `before`, once.
  void insert(Value& value, Node* before) {
    const auto planned = plan_.values.find(&value);
    if (planned == plan_.values.end() || !done_.insert(&value).second) return;
    const Decision& decision = planned->second;
    const auto known = plan_.known_scales.find(&value);
    ScaleAndZeroPoint unset;
    if (known == plan_.known_scales.end()) unset = unset_scale();
    const Tensor& scale = known == plan_.known_scales.end() ? unset.scale : known->second.scale;
    const Tensor& zero_point =
        known == plan_.known_scales.end() ? unset.zero_point : known->second.zero_point;

    const std::vector<Use> uses(value.uses().begin(), value.uses().end());
    Value& quantised = insert_fake_quantize(graph_, before, value, decision.spec, scale, zero_point,
                                            decision.role == Role::kWeight || decision.fixed)
                           .output(0);
    for (const Use& use : uses) {
      const NodePlan* reader = plan_.of(*use.node);
      if (&use.node->graph() == &graph_ && reader && reader->reads_quantised(use.input)) {
        use.node->set_input(use.input, &quantised);
      }
    }
    if (decision.takes_output) take_output(value, quantised);
  }

  void take_output(const Value& value, Value& quantised) {
    const auto outputs = graph_.outputs();
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i] == &value) return graph_.redirect_output(i, quantised);
    }
  }

  Graph& graph_;
  const Plan& plan_;
  std::unordered_set<const Value*> done_;
};

}  // namespace

void insert_fake_quant(Model& model, const Plan& plan, Env&) {
  Inserter(*model.graph, plan).run();
  update_fake_quantize_functions(model);
}

}  // namespace qprep
