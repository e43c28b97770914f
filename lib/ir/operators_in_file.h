#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "ir/graph.h"

namespace qprep {

/// What nodes are in the user's file, whatever a replacement made of them. Given: the model outlives this,
/// and forgets none of its gone nodes.
class OperatorsInFile {
 public:
  explicit OperatorsInFile(const Model& model);

  /// "Gemm" of a Conv that was one; the node's own operator where it is new or as it was; "domain::Name"
  /// outside ONNX's operators.
  std::string of(const Node& node) const;

 private:
  std::unordered_map<std::string_view, std::string_view> was_;  // by label
};

}  // namespace qprep
