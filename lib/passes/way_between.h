#pragma once

#include <string>

#include "ir/graph.h"

namespace qprep {

/// What stands on the shortest way from a node to a later one, as a clause: "BatchNormalization 'bn1' stands
/// between", or "no way leads from Conv 'conv1' to it". Given: both are in one graph.
std::string what_stands_between(const Node& from, const Node& to);

}  // namespace qprep
