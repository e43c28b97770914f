#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace qprep {

/// What is inconsistent in the model, a sentence each; empty = sound. Checks, in every graph, body and
/// function: use lists agree with inputs both ways; a node reads only what is defined before it or around its
/// graph; value names are unique in a graph, and no used value is nameless; outputs are defined. Linear in
/// the model's size.
std::vector<std::string> verify(const Model& model);

}  // namespace qprep
