#include "passes/data_control_flow.h"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "ir/walk.h"
#include "passes/data_flow.h"

namespace qprep {
namespace {

/// The values that depend on the numbers of the model's inputs, or on chance.
class Dependent {
 public:
  Dependent(const Model& model, const OpClasses& classes) : classes_(classes) {
    for (const Graph* graph : graphs_with_bodies(*model.graph)) {
      for (std::size_t i = 0; graph->holder() && i < graph->outputs().size(); ++i) {
        leaves_[graph->outputs()[i]].push_back({graph, i});
      }
    }
    for (const Value* input : model.graph->inputs()) {
      if (!input->initializer()) add(*input);
    }
    for (const Node* node : nodes_with_bodies(*model.graph)) {
      const bool chance = node->input_count() == 0 && !node->is("Constant") && node->bodies().empty();
      if (chance) add_results(*node);
    }
    while (!waiting_.empty()) {
      const Value& value = *waiting_.back();
      waiting_.pop_back();
      spread(value);
    }
  }

  bool contains(const Value* value) const { return value && values_.contains(value); }

 private:
  struct Leaves {
    const Graph* body;
    std::size_t output;
  };

  void add(const Value& value) {
    if (values_.insert(&value).second) waiting_.push_back(&value);
  }
  void add_results(const Node& node) {
    for (std::size_t i = 0; i < node.output_count(); ++i) add(node.output(i));
  }

  void spread(const Value& value) {
    for (const Use& use : value.uses()) {
      const Node& node = *use.node;
      if (!is_control_flow(node)) {
        if (!classes_.of(node).metadata) add_results(node);
        continue;
      }
      // What decides how it runs decides what it makes.
      const bool decides = use.input == 0 || (node.is("Loop") && use.input == 1);
      if (decides && !node.is("Scan")) add_results(node);
      for (const Graph* body : node.bodies()) {
        const Value* inside = entered_at(*body, use.input);
        const bool counts = node.is("Loop") && use.input == 0;
        if (inside && !counts) add(*inside);
        if (inside && next_turn(*body, *inside)) add(*next_turn(*body, *inside));
      }
    }
    const auto leaves = leaves_.find(&value);
    if (leaves == leaves_.end()) return;
    for (const auto& [body, output] : leaves->second) {
      if (body->holder()->is("Loop") && output == 0) add_results(*body->holder());
      if (const Value* made = made_from(*body, output)) add(*made);
      if (const Value* next = next_turn_of(*body, output)) add(*next);
    }
  }

  /// The result that is what enters there if the body never runs.
  static const Value* next_turn(const Graph& body, const Value& inside) {
    for (std::size_t i = 0; i < body.outputs().size(); ++i) {
      if (next_turn_of(body, i) == &inside) return made_from(body, i);
    }
    return nullptr;
  }

  const OpClasses& classes_;
  std::unordered_set<const Value*> values_;
  std::unordered_map<const Value*, std::vector<Leaves>> leaves_;
  std::vector<const Value*> waiting_;
};

}  // namespace

std::vector<DataControlFlow> data_control_flow(const Model& model, const OpClasses& classes) {
  std::vector<DataControlFlow> found;
  const std::vector<const Node*> nodes = nodes_with_bodies(*model.graph);
  const auto is_dynamic = [](const Node* node) { return node->is("If") || node->is("Loop"); };
  if (std::none_of(nodes.begin(), nodes.end(), is_dynamic)) return found;
  const Dependent dependent(model, classes);
  const auto refuse = [&](const Node& node, std::string_view verb, const Value* by) {
    if (!dependent.contains(by)) return false;
    found.push_back({&node, fmt::format("{} {} '{}', which depends on the model's inputs", name_of(node),
                                        verb, by->name())});
    return true;
  };
  for (const Node* node : nodes) {
    if (node->is("If")) refuse(*node, "chooses by", node->input(0));
    if (!node->is("Loop")) continue;
    if (refuse(*node, "runs as often as", node->input(0))) continue;
    if (refuse(*node, "begins only if", node->input(1))) continue;
    for (const Graph* body : node->bodies()) {
      if (!body->outputs().empty()) refuse(*node, "goes on as long as", body->outputs().front());
    }
  }
  return found;
}

}  // namespace qprep
