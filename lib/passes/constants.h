#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "ir/graph.h"

namespace qprep {

/// Result: input i of the node reads an initializer that holds `tensor`. An initializer that nothing else
/// reads is changed and keeps its name; else a new one is made, named from `wanted`.
void set_constant_input(Node& node, std::size_t i, Tensor tensor, const std::string& wanted);

/// Result: those of `candidates` that are initializers and that nothing uses are gone. Initializers that are
/// graph inputs too stay, since without their default they would have to be fed.
void erase_unused_initializers(std::span<Value* const> candidates);

}  // namespace qprep
