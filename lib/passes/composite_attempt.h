#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "config/composites.h"
#include "config/op_classes.h"
#include "ir/graph.h"
#include "passes/reduced_axes.h"

namespace qprep {

/// Nodes that spell out a composite operator or a block.
struct CompositeMatch {
  const CompositePattern* pattern = nullptr;
  std::vector<const Node*> nodes = {};       // in graph order
  std::vector<const Value*> operands = {};   // what enters as data, as the nodes read it
  std::string flaw = {};                     // why it is no match in spite of all that; empty: it is one
  std::vector<const Node*> by_step = {};     // the node of each statement
  std::vector<const Value*> names = {};      // by CompositeOperand::name; null: not met
  std::optional<AxesOfReduction> axes = {};  // that all reductions run over
};

/// A pattern, laid over the nodes that end in one; for one node of the main graph, once.
class CompositeAttempt {
 public:
  /// Given: both outlive the attempt.
  CompositeAttempt(const CompositePattern& pattern, const OpClasses& classes)
      : pattern_(pattern), classes_(classes) {}

  /// The nodes that end in `root`, if they compute what the pattern says; with a flaw where a result inside
  /// is read outside or is an output of the graph, which a block allows. Given: the marks of the nodes are in
  /// graph order.
  std::optional<CompositeMatch> match(const Model& model, const Node& root, bool is_block);

 private:
  struct State {
    std::vector<const Node*> nodes;      // by step; null: not reached yet
    std::vector<const Value*> names;     // by CompositeOperand::name; null: not met yet
    std::vector<std::size_t> open = {};  // steps whose operands are to be looked at
    std::vector<const Node*> through = {};
    std::vector<const Value*> operands = {};
    std::optional<AxesOfReduction> axes = {};
  };
  /// The inputs that operands 0 and 1 stand at.
  using Order = std::array<std::size_t, 2>;

  bool solve(State& state);
  bool is_step(State& state, const Node& node, const CompositeStep& step) const;
  bool could_bind(const Node& node, const CompositeStep& step, const Order& order) const;
  bool could_be(const Value& value, const CompositeOperand& operand) const;
  bool bind(State& state, const Node& node, const CompositeStep& step, const Order& order) const;
  bool constants_fit(const State& state) const;
  const Value& source_of(const Value& value, std::vector<const Node*>* through = nullptr) const;
  std::optional<std::size_t> transparent_input(const Node& node) const;
  CompositeMatch match_of(const State& state) const;
  std::string flaw_of(const CompositeMatch& match, const Node& root) const;

  const CompositePattern& pattern_;
  const OpClasses& classes_;
  int tries_ = 1000;  // statements that may be tried; shared among the orders of commutative operands
};

}  // namespace qprep
