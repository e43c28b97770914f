#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace qprep {

/// The axes of the graph's inputs whose sizes the file leaves open, each once: by their symbols, "image[0]"
/// for those without. An option or configuration that gives sizes calls them so.
std::vector<std::string> open_axes(const Graph& graph);

}  // namespace qprep
