#pragma once

#include <cstddef>
#include <vector>

#include "passes/data_flow.h"
#include "plan/plan.h"

namespace qprep {

/// An input of a unit through which data enters it.
struct Entry {
  const Node* node;
  std::size_t input;
  const Value& value() const { return *node->input(input); }
};

/// In the order of the unit's nodes. The bias of its layer is none.
std::vector<Entry> entries_of(const Unit& unit, const DataFlow& flow);

}  // namespace qprep
