#pragma once

#include <string>

#include "ir/graph.h"

namespace qprep {

/// As tables, targets and reports call the node's operator: "Conv", or "com.microsoft::FusedConv" outside
/// ONNX's own domain.
std::string operator_name(const Node& node);

}  // namespace qprep
