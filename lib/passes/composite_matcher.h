#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/composites.h"
#include "config/op_classes.h"
#include "ir/graph.h"
#include "passes/composite_attempt.h"

namespace qprep {

/// Finds operators that are written out as several nodes, in any of the spellings of configs/composites.yaml.
/// Patterns are indexed by their last operator and the one before it, and laid backwards over what made the
/// operands, so a try costs no more than its pattern, whatever the graph.
class CompositeMatcher {
 public:
  enum class Kind { kUnits, kBlocks };
  struct Found {
    std::vector<CompositeMatch> matches;  // in the order of their first nodes
    /// Those with a flaw that are longer than every match whose nodes they share; in the same order.
    std::vector<CompositeMatch> flawed;
  };

  /// Given: patterns and classes outlive the matcher and what it finds.
  CompositeMatcher(const std::vector<CompositePattern>& patterns, const OpClasses& classes,
                   Kind kind = Kind::kUnits);

  /// What is in the main graph and in the bodies of its control flow, each for itself. No node is in two
  /// matches: the longer has it, of equally long ones the later, of those at one place the one whose spelling
  /// stands first in the file. The marks of these nodes are the matcher's own while it runs.
  /// `wanted`, if given: no other match counts.
  using Wanted = std::function<bool(const CompositeMatch&)>;
  Found find(const Model& model, const Wanted& wanted = {}) const;

 private:
  /// Those that may end in the node, in the file's order.
  std::vector<const CompositePattern*> candidates(const Node& root) const;
  const Value* behind(const Node& node) const;

  const OpClasses& classes_;
  Kind kind_;
  /// By the last operator and the operator that makes the first result that it reads: "Add Mul"; "Max" where
  /// it reads none. Each list is in the order of the patterns, which stand in one array.
  std::unordered_map<std::string, std::vector<const CompositePattern*>> by_last_ops_;
  std::unordered_set<std::string> through_;  // operators that may stand between those of some pattern
};

}  // namespace qprep
