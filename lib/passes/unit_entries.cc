#include "passes/unit_entries.h"

#include <algorithm>

namespace qprep {

std::vector<Entry> entries_of(const Unit& unit, const DataFlow& flow) {
  std::vector<Entry> found;
  for (const Node* node : unit.nodes) {
    const OpTraits& traits = flow.traits(*node);
    for (std::size_t i = 0; i < node->input_count(); ++i) {
      const Value* value = node->input(i);
      if (!value || !traits.is_data(i) || value == unit.bias) continue;
      const Node* maker = value->producer();
      const bool inside = maker && std::ranges::find(unit.nodes, maker) != unit.nodes.end();
      if (!inside) found.push_back({node, i});
    }
  }
  return found;
}

}  // namespace qprep
