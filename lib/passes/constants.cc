#include "passes/constants.h"

#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "ir/walk.h"

namespace qprep {

void set_constant_input(Node& node, std::size_t i, Tensor tensor, const std::string& wanted) {
  Value* value = node.input(i);
  if (value && value->initializer() && !value->is_graph_input() && value->has_single_use()) {
    value->graph().set_initializer(*value, std::move(tensor));
    return;
  }
  node.set_input(i, &outermost(node.graph()).new_initializer(wanted, std::move(tensor)));
}

void erase_unused_initializers(std::span<Value* const> candidates) {
  std::vector<Graph*> graphs;  // in the order of the candidates
  std::unordered_map<Graph*, std::unordered_set<Value*>> unused;
  for (Value* value : candidates) {
    if (!value->initializer() || !value->is_unused() || value->is_graph_input()) continue;
    auto& values = unused[&value->graph()];
    if (values.empty()) graphs.push_back(&value->graph());
    values.insert(value);
  }
  for (Graph* graph : graphs) graph->erase_initializers(unused.at(graph));
}

}  // namespace qprep
