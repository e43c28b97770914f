#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/graph.h"

namespace qprep {

/// How the clause of a node ends that handed on what it read: nobody does its work, since it did none.
inline constexpr std::string_view kLeftOut = " is left out";

/// What reports say of Node::absorbed(), which has more: everything that selectors find the node by.
/// Given: the model outlives this.
class Held {
 public:
  explicit Held(const Model& model);

  /// The user's nodes that are not in the model any more and whose work this node does: what was folded into
  /// it, or what a replacement made it and others from. Not what did no work; nor, of a node that a
  /// replacement put in for another, what that one holds itself.
  std::vector<std::string> by(const Node& node) const;

 private:
  std::unordered_map<std::string_view, const Node*> there_;
  std::unordered_set<std::string_view> left_out_;
};

}  // namespace qprep
