#pragma once

#include <string>
#include <vector>

namespace qprep {

/// The attributes that the operator has in any version, sorted; empty: ONNX's own domain has no such
/// operator.
std::vector<std::string> attributes_of_operator(const std::string& op);
/// Those of all operators of ONNX's own domain.
std::vector<std::string> attributes_of_all_operators();

}  // namespace qprep
