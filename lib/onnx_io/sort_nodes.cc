#include "onnx_io/sort_nodes.h"

#include <functional>
#include <queue>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace qprep {
namespace {

using Places = std::unordered_map<const Node*, std::size_t>;
using Readers = std::vector<std::vector<std::size_t>>;

/// Adds `reader` to the readers of the nodes of `graph` whose results the node's bodies return as they are.
void add_returned(const Graph& graph, const Node& node, std::size_t reader, const Places& places,
                  Readers& readers) {
  for (const Graph* body : node.bodies()) {
    for (const Value* output : body->outputs()) {
      if (&output->graph() == &graph && output->producer())
        readers[places.at(output->producer())].push_back(reader);
    }
    for (const Node& inner : body->nodes()) add_returned(graph, inner, reader, places, readers);
  }
}

/// For each node, by its place: the places of the nodes that read its outputs, themselves or in their bodies;
/// one entry a read.
Readers readers_of(const Graph& graph, const std::vector<Node*>& nodes) {
  Places places;
  for (std::size_t i = 0; i < nodes.size(); ++i) places.emplace(nodes[i], i);
  Readers readers(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (std::size_t output = 0; output < nodes[i]->output_count(); ++output) {
      for (const Use& use : nodes[i]->output(output).uses()) {
        readers[i].push_back(places.at(enclosing_node(graph, *use.node)));
      }
    }
    add_returned(graph, *nodes[i], i, places, readers);
  }
  return readers;
}

/// Given: every waiting node waits for one that waits too. Result: a node on a cycle.
const Node* node_on_cycle(const std::vector<Node*>& nodes, const Readers& readers,
                          const std::vector<std::size_t>& waits_for) {
  std::vector<std::size_t> writer(nodes.size());  // for a waiting node: one that it waits for
  std::size_t at = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (waits_for[i] == 0) continue;
    for (const std::size_t reader : readers[i]) writer[reader] = i;
    at = i;
  }
  std::unordered_set<std::size_t> seen;
  while (seen.insert(at).second) at = writer[at];
  return nodes[at];
}

}  // namespace

const Node* sort_nodes(Graph& graph) {
  std::vector<Node*> nodes;
  for (Node& node : graph.nodes()) nodes.push_back(&node);
  const Readers readers = readers_of(graph, nodes);
  std::vector<std::size_t> waits_for(nodes.size());
  for (const auto& places : readers) {
    for (const std::size_t place : places) ++waits_for[place];
  }

  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (waits_for[i] == 0) ready.push(i);
  }
  std::size_t sorted = 0;
  for (; !ready.empty(); ++sorted) {
    const std::size_t place = ready.top();
    ready.pop();
    graph.move(*nodes[place], nullptr);
    for (const std::size_t reader : readers[place]) {
      if (--waits_for[reader] == 0) ready.push(reader);
    }
  }
  return sorted == nodes.size() ? nullptr : node_on_cycle(nodes, readers, waits_for);
}

}  // namespace qprep
