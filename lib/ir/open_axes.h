#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace qprep {

/// Its size is not known, and nobody gave it a name: shape inference makes up "unk__7" and its like, which
/// say that two sizes are the same, and are nothing to tell a user.
bool is_nameless(const Dim& dim);

/// The axes of the graph's inputs whose sizes the file leaves open, each once: by their symbols, "image[0]"
/// for those without. An option or configuration that gives sizes calls them so.
std::vector<std::string> open_axes(const Graph& graph);

/// The line of a configuration that gives them sizes, the first few of them: "dims: {batch: SIZE}".
std::string dims_of(std::vector<std::string> axes);

}  // namespace qprep
