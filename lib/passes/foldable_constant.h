#pragma once

#include "ir/graph.h"

namespace qprep {

/// The layer that could do what the node does: behind the Add, Sub, Mul or Div of a constant or before it,
/// with nothing else that reads what is between. Its weight or bias takes the constant in, number by number
/// for each channel, and the node can go. Null: there is none.
const Node* layer_for_constant(const Node& node);

}  // namespace qprep
