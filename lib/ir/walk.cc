#include "ir/walk.h"

#include <algorithm>

namespace qprep {
namespace {

void collect(const Graph& graph, std::vector<const Node*>* nodes, std::vector<const Graph*>* graphs) {
  if (graphs) graphs->push_back(&graph);
  for (const Node& node : graph.nodes()) {
    if (is_control_flow(node)) {
      for (const Graph* body : node.bodies()) collect(*body, nodes, graphs);
    }
    if (nodes) nodes->push_back(&node);
  }
}

std::size_t scanned_inputs(const Node& scan) {
  return static_cast<std::size_t>(std::max<std::int64_t>(scan.int_or("num_scan_inputs", 0), 0));
}

/// Scan of operator set 8 has the lengths of its sequences in front.
std::size_t first_fed(const Graph& body) {
  const std::size_t inputs = body.inputs().size();
  const Node& holder = *body.holder();
  return holder.is("Scan") && holder.input_count() > inputs ? holder.input_count() - inputs : 0;
}

}  // namespace

bool is_control_flow(const Node& node) { return node.is("If") || node.is("Loop") || node.is("Scan"); }

std::vector<const Node*> nodes_with_bodies(const Graph& graph) {
  std::vector<const Node*> nodes;
  nodes.reserve(graph.nodes().size());
  collect(graph, &nodes, nullptr);
  return nodes;
}

std::vector<const Graph*> graphs_with_bodies(const Graph& graph) {
  std::vector<const Graph*> graphs;
  collect(graph, nullptr, &graphs);
  return graphs;
}

Graph& outermost(Graph& graph) {
  Graph* outer = &graph;
  while (outer->holder()) outer = &outer->holder()->graph();
  return *outer;
}

Node& holder_in(const Graph& graph, Node& node) {
  Node* at = &node;
  while (&at->graph() != &graph) at = at->graph().holder();
  return *at;
}

Value* fed_to(const Graph& body, std::size_t input) {
  const Node* holder = body.holder();
  return holder && !holder->is("If") ? holder->input(first_fed(body) + input) : nullptr;
}

Value* entered_at(const Graph& body, std::size_t input_of_holder) {
  const Node* holder = body.holder();
  if (!holder || holder->is("If") || input_of_holder < first_fed(body)) return nullptr;
  const std::size_t input = input_of_holder - first_fed(body);
  return input < body.inputs().size() ? body.inputs()[input] : nullptr;
}

Value* made_from(const Graph& body, std::size_t output) {
  const Node* holder = body.holder();
  if (!holder) return nullptr;
  const std::size_t first = holder->is("Loop") ? 1 : 0;
  if (output < first || output - first >= holder->output_count()) return nullptr;
  return &holder->output(output - first);
}

Value* next_turn_of(const Graph& body, std::size_t output) {
  const Node* holder = body.holder();
  if (!holder || holder->is("If")) return nullptr;
  const std::size_t inputs = body.inputs().size();
  const bool loop = holder->is("Loop");
  const std::size_t scanned = loop ? 0 : scanned_inputs(*holder);
  const std::size_t input = loop ? output + 1 : output;
  return input + scanned < inputs ? body.inputs()[input] : nullptr;
}

namespace {

bool is_true(const Value* value) {
  const Tensor* tensor = value ? constant_of(*value) : nullptr;
  return tensor && tensor->dtype() == DType::kBool && tensor->size() == 1 && tensor->at<std::uint8_t>(0) != 0;
}

/// The condition is left out, constant, or handed on from turn to turn.
bool runs_all_turns(const Node& loop, const Graph& body) {
  if (loop.input(1) && !is_true(loop.input(1))) return false;
  if (body.outputs().empty() || body.inputs().size() < 2) return false;
  const Value* next = body.outputs().front();
  while (next->producer() && next->producer()->is("Identity")) next = next->producer()->input(0);
  return is_true(next) || next == body.inputs()[1];
}

}  // namespace

std::optional<std::int64_t> turns_of(const Node& control_flow) {
  const std::vector<Graph*> bodies = control_flow.bodies();
  if (control_flow.is("If")) return 1;
  if (bodies.size() != 1) return std::nullopt;
  if (control_flow.is("Loop")) {
    const Tensor* count = control_flow.input(0) ? constant_of(*control_flow.input(0)) : nullptr;
    const bool known = count && count->dtype() == DType::kInt64 && count->size() == 1;
    if (!known || !runs_all_turns(control_flow, *bodies.front())) return std::nullopt;
    return std::max<std::int64_t>(count->at<std::int64_t>(0), 0);
  }
  const std::size_t scanned = scanned_inputs(control_flow);
  const Graph& body = *bodies.front();
  if (scanned == 0 || scanned > body.inputs().size()) return std::nullopt;
  const Value* sequence = fed_to(body, body.inputs().size() - scanned);
  const auto dims = sequence ? sequence->type().shape : std::nullopt;
  const std::vector<std::int64_t> axes = control_flow.ints_or("scan_input_axes", {0});
  if (!dims || axes.empty()) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(dims->size());
  const std::int64_t axis = axes.front() < 0 ? axes.front() + rank : axes.front();
  if (axis < 0 || axis >= rank || !(*dims)[static_cast<std::size_t>(axis)].known()) return std::nullopt;
  return (*dims)[static_cast<std::size_t>(axis)].size;
}

}  // namespace qprep
