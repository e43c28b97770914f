#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace qprep {

/// Its size is not known, and nobody gave it a name: shape inference makes up "unk__7" and its like, which
/// say that two sizes are the same, and are nothing to tell a user.
bool is_nameless(const Dim& dim);

/// What an option or a configuration calls an axis of an input, whose size is open: its symbol, "image[0]"
/// for one without.
std::string axis_name(const Value& input, std::size_t axis);

/// The axes of the graph's inputs whose sizes the file leaves open, each once.
std::vector<std::string> open_axes(const Graph& graph);

/// The line of a configuration that gives them sizes, the first few of them: "dims: {batch: SIZE}".
std::string dims_of(std::vector<std::string> axes);
/// The options of a command line that do the same: "--dim batch=SIZE --dim \"x[2]=SIZE\"".
std::string dim_options_of(std::vector<std::string> axes);

}  // namespace qprep
