#pragma once

#include <string>

#include "ir/graph.h"

namespace qprep {

/// "a fixed size of what is open in the model's inputs would decide it: 'dims: {batch: SIZE}' in the
/// configuration, or 'qprep check --dim batch=SIZE'"; empty: no size is open.
std::string sizes_remedy(const Graph& graph);

}  // namespace qprep
