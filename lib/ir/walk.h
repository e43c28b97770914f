#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ir/graph.h"

/// Walking a graph together with the bodies of its If, Loop and Scan nodes, and how values cross a body's
/// border.
namespace qprep {

/// An If, Loop or Scan, whose bodies are known to be run as parts of the graph around them.
bool is_control_flow(const Node& node);

/// The nodes of the graph and of the bodies of its control flow, those of a body right before the node that
/// holds it: each after all that it reads, but for what one turn of a loop hands to the next.
std::vector<const Node*> nodes_with_bodies(const Graph& graph);
/// The graph, and the bodies of its control flow in the order of nodes_with_bodies.
std::vector<const Graph*> graphs_with_bodies(const Graph& graph);

/// The graph that holds all others around this one.
Graph& outermost(Graph& graph);
/// `node`, or the node of `graph` in whose bodies it stands. Given: `graph` is the node's or one around it.
Node& holder_in(const Graph& graph, Node& node);

/// What the control flow that holds the body hands to its input; null: nothing (the number of the turn has
/// the count of turns, and the condition the first condition).
Value* fed_to(const Graph& body, std::size_t input);
/// The input of the body that takes what the control flow reads there; null: none does.
Value* entered_at(const Graph& body, std::size_t input_of_holder);
/// The result of the control flow that the body's output becomes; null: none (the condition of a Loop).
Value* made_from(const Graph& body, std::size_t output);
/// The input of the body that has the output's value in the next turn of a Loop or Scan; null: none.
Value* next_turn_of(const Graph& body, std::size_t output);
/// How often the body of a Loop or Scan runs, where the model says so: a Loop with a constant count of turns
/// that no condition ends, a Scan over an axis of known size. nullopt: it does not say; an If runs one of its
/// bodies once.
std::optional<std::int64_t> turns_of(const Node& control_flow);

}  // namespace qprep
