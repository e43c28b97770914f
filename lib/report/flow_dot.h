#pragma once

#include <string>

#include "report/flow_levels.h"

namespace qprep {

/// The flow in Graphviz' language. `model` and `march` (may be empty) stand above the picture.
std::string to_dot(const DrawnFlow& drawn, const std::string& model, const std::string& march);

/// "3 × conv-relu, 2 × (conv, add)": what follows each other, with what repeats said once.
std::string repeats_text(const std::vector<int>& kinds, const std::vector<std::string>& names);

}  // namespace qprep
