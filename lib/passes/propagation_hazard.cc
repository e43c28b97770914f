#include "passes/propagation_hazard.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "ir/walk.h"
#include "passes/qdq.h"

namespace qprep {
namespace {

bool is_moved_over(const Node& node) {
  constexpr std::array<std::string_view, 5> kOps = {"MaxPool", "Reshape", "Transpose", "Squeeze",
                                                    "Unsqueeze"};
  return std::any_of(kOps.begin(), kOps.end(), [&](std::string_view op) { return node.is(op); });
}

bool is_read_in_body(const Value& value) {
  const std::span<const Use> uses = value.uses();
  return std::any_of(uses.begin(), uses.end(),
                     [&](const Use& use) { return &use.node->graph() != &value.graph(); });
}

/// What a body reads of the node's result: itself, or behind the If in whose body it stands.
bool reaches_body(const Node& node) {
  const Value& result = node.output(0);
  if (is_read_in_body(result)) return true;
  const Node* holder = node.graph().holder();
  if (!holder || !holder->is("If") || !result.is_graph_output()) return false;
  for (std::size_t i = 0; i < holder->output_count(); ++i) {
    if (is_read_in_body(holder->output(i))) return true;
  }
  return false;
}

/// Over any number of such operators.
const Node* hazard_behind(const Value& dequantised) {
  for (const Use& use : dequantised.uses()) {
    if (use.input != 0 || !is_moved_over(*use.node)) continue;
    if (reaches_body(*use.node)) return use.node;
    if (const Node* found = hazard_behind(use.node->output(0))) return found;
  }
  return nullptr;
}

}  // namespace

const Node* propagation_hazard(const Graph& graph) {
  for (const Node* node : nodes_with_bodies(graph)) {
    if (!is_dequantize_linear(*node)) continue;
    if (const Node* found = hazard_behind(node->output(0))) return found;
  }
  return nullptr;
}

}  // namespace qprep
