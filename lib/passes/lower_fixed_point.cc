#include "passes/lower_fixed_point.h"

#include <fmt/format.h>
#include <string>
#include <unordered_set>
#include <vector>

#include "passes/constants.h"
#include "passes/integer_bias.h"
#include "passes/qdq.h"
#include "support/codes.h"

namespace qprep {
namespace {

void collect_nodes(Graph& graph, std::vector<Node*>& nodes) {
  for (Node& node : graph.nodes()) {
    nodes.push_back(&node);
    for (Graph* body : node.bodies()) collect_nodes(*body, nodes);
  }
}

/// Result: an initializer of the integers takes the place, and the name, of the node's output; the node is
/// gone. Returns the float constant, or null if the node has to stay.
Value* compute(Node& quantize) {
  Value* x = quantize.input(0);
  const Tensor* constant = x ? constant_of(*x) : nullptr;
  if (!constant || constant->dtype() != DType::kFloat32) return nullptr;
  Value& output = quantize.output(0);
  const std::optional<QdqParams> params = read_qdq(quantize);
  if (!params || output.is_graph_output()) return nullptr;

  Tensor integers = quantize_tensor(*constant, params->dtype, params->axis, params->channels);
  Graph& graph = quantize.graph();
  const std::string name = output.name();
  graph.rename(output, name + "_replaced");
  graph.replace_uses(output, graph.add_initializer(name, std::move(integers)));
  graph.erase(quantize);
  return x;
}

/// A default that a caller could override and that is stored as integers now. `values`: of one graph, unused.
void drop_defaults(const std::unordered_set<Value*>& values, const std::string& first,
                   Diagnostics& diagnostics) {
  if (values.empty()) return;
  (*values.begin())->graph().drop_inputs(values);
  const std::string others = values.size() > 1 ? fmt::format(" and {} more", values.size() - 1) : "";
  diagnostics.note(
      codes::kOverridableInitializer,
      fmt::format("input '{}'{} had a default, which is stored as integers now; no longer an input", first,
                  others));
}

/// Result: those of the constants that nothing reads any more are gone.
void erase_unused(Graph& graph, const std::vector<Value*>& constants, Diagnostics& diagnostics) {
  std::vector<Value*> initializers;
  std::unordered_set<Node*> nodes;
  std::unordered_set<Value*> defaults;
  std::string first_default;
  for (Value* value : constants) {
    if (!value->is_unused()) continue;
    if (value->producer()) {
      nodes.insert(value->producer());
      continue;
    }
    initializers.push_back(value);
    if (!value->is_graph_input() || &value->graph() != &graph) continue;
    if (defaults.empty()) first_default = value->name();
    defaults.insert(value);
  }
  for (Node* node : nodes) node->graph().erase(*node);
  drop_defaults(defaults, first_default, diagnostics);
  erase_unused_initializers(initializers);
}

}  // namespace

std::vector<const Node*> raise_scales_for_biases(Model& model, const OpClasses& classes,
                                                 Diagnostics& diagnostics) {
  std::vector<Node*> nodes;
  collect_nodes(*model.graph, nodes);
  IntegerBias biases(model, classes, diagnostics);
  std::vector<const Node*> misfits;
  for (Node* node : nodes) {
    if (!biases.raise_scales(*node)) misfits.push_back(node);
  }
  erase_unused(*model.graph, biases.replaced(), diagnostics);
  return misfits;
}

void lower_fixed_point(Model& model, const OpClasses& classes, Diagnostics& diagnostics) {
  std::vector<Node*> nodes;
  collect_nodes(*model.graph, nodes);
  IntegerBias biases(model, classes, diagnostics);
  for (Node* node : nodes) biases.lower(*node);
  std::vector<Value*> floats;
  for (Node* node : nodes) {
    Value* constant = is_quantize_linear(*node) ? compute(*node) : nullptr;
    if (constant) floats.push_back(constant);
  }
  floats.insert(floats.end(), biases.replaced().begin(), biases.replaced().end());
  erase_unused(*model.graph, floats, diagnostics);
}

}  // namespace qprep
