#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/composites.h"
#include "config/op_classes.h"
#include "ir/graph.h"
#include "plan/plan.h"

namespace qprep {

/// Finds operators that are written out as several nodes, in any of the spellings of configs/composites.yaml.
/// Patterns are indexed by their last operator and the one before it, and laid backwards over what made the
/// operands, so a try costs no more than its pattern, whatever the graph.
class CompositeMatcher {
 public:
  /// Given: both outlive the matcher.
  CompositeMatcher(const Composites& composites, const OpClasses& classes);

  /// The composites of the main graph. No node is in two: the longer has it, of equally long ones the later,
  /// of those at one place the one whose spelling stands first in the file. The marks of the main graph's
  /// nodes are the matcher's own while it runs.
  std::vector<Unit> find(const Model& model) const;

 private:
  struct Match;
  class Attempt;

  /// Those that may end in the node, in the file's order.
  std::vector<const CompositePattern*> candidates(const Node& root) const;

  const OpClasses& classes_;
  /// By the last operator and the operator that makes the first result that it reads: "Add Mul"; "Max" where
  /// it reads none. Each list is in the order of the patterns, which stand in one array.
  std::unordered_map<std::string, std::vector<const CompositePattern*>> by_last_ops_;
};

}  // namespace qprep
