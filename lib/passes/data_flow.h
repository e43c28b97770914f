#pragma once

#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/op_classes.h"
#include "ir/graph.h"
#include "ir/name_of.h"
#include "plan/plan.h"

namespace qprep {

/// What flows into a value and out of it, also over the borders of bodies; docs/placement.md explains the
/// words.
struct ValueFlow {
  const Value* root = nullptr;  // the value whose elements it hands on, through passive operators; or itself
  const Node* through = nullptr;  // the passive operator that made it, if it hands on

  // From where.
  bool runtime = false;     // depends on the numbers of the graph's inputs, not on shapes alone
  bool carries = false;     // depends on data: float inputs, tables read at run time, gemm_like operators
  bool statistic = false;   // made by a reduction, with constants at most
  bool after_gemm = false;  // depends on the result of a gemm_like operator
  bool begun =
      false;  // depends on what has weights or a state: gemm_like operators, tables that are read, calls
  const Node* inverse = nullptr;  // the node that made it, a statistic, by dividing by one
  const Value* mask = nullptr;    // the constant of huge numbers that came in

  // To where.
  bool reaches = false;       // its numbers matter, beyond shapes, indices, coordinates and conditions
  bool only_outputs = false;  // it feeds outputs of the graph and nothing else, passive operators aside
  bool before_gemm = false;   // a gemm_like operator depends on it, or one that carries scales of its own
  bool tail = false;          // not before_gemm; and after_gemm, or operators of the tail read it
  bool read = false;          // a node or an output of its graph reads it
  const Node* quantiser = nullptr;  // a node that quantises it with a scale of its own
  const Node* divides = nullptr;    // the node that it would make divide by zero if it were rounded
};

/// Analyses the main graph and the bodies of its control flow once, forwards and backwards, in linear time: a
/// body as if it stood in the place of the node that holds it, once. What a Loop or Scan hands from turn to
/// turn may be anything that its body makes. The nodes of a composite operator of plan.units count as parts
/// of that: what enters it is their data, and what each makes is a root of its own. What it reads of
/// constants it keeps in plan.constants, for the next one. The marks of their values and nodes are its own
/// for as long as it lives.
class DataFlow {
 public:
  /// Given: model and classes outlive the analysis.
  DataFlow(const Model& model, const OpClasses& classes, Plan& plan);

  const Model& model() const { return model_; }

  /// The nodes of the main graph and of the bodies of control flow, each after all that it reads.
  const std::vector<const Node*>& nodes() const { return nodes_; }
  const std::vector<const Graph*>& graphs() const { return graphs_; }
  /// It is one of nodes().
  bool knows(const Node& node) const { return inside_.contains(&node.graph()); }

  /// Given: one of nodes().
  const OpTraits& traits(const Node& node) const { return *traits_.at(node.mark()); }
  /// Given: a value of one of graphs().
  const ValueFlow& of(const Value& value) const { return flows_.at(value.mark()); }

  /// Why what enters the node there cannot be quantised, as the end of "'x' stays float: ...";
  /// nullopt: it can be, or is, or need not be. Given: a data input of a gemm_like or active node that is
  /// there.
  std::optional<std::string> objection(const Node& node, std::size_t input) const;
  /// Why a root that could be quantised needs no FakeQuantize; nullopt: it needs one.
  std::optional<std::string> exempt(const Value& root) const;
  /// Why what the node computes must not be quantised; nullopt: it may be.
  std::optional<std::string> result_objection(const Value& result) const;

  /// The facts of a constant; null for anything else, and for constants that are not float32.
  const ConstantFacts* facts(const Value& root) const;

 private:
  void read_units();
  void find_bodies();
  void forwards(const Graph& graph);
  void backwards(const Graph& graph);
  void keep(const Value& value, const ValueFlow& flow);
  ValueFlow entering(const Graph& graph, std::size_t input) const;
  ValueFlow leaving(const Node& control, std::size_t output) const;
  void look_over_border(const Value& value, ValueFlow& flow, bool& elsewhere, bool& tail) const;
  ValueFlow made_by(const Node& node, const OpTraits& traits, std::size_t output) const;
  const Value* mask_of(const Node& node, const OpTraits& traits) const;
  bool is_statistic(const Node& node, const OpTraits& traits) const;
  const Node* inverse_of(const Node& node, const OpTraits& traits) const;
  void look_ahead(const Value& value, ValueFlow& flow) const;
  bool use_reaches(const Use& use) const;
  const Node* divider(const Value& value, const ValueFlow& flow, const Use& use) const;
  std::optional<std::string> constant_objection(const Node& node, std::size_t input, const Value& root) const;

  const Model& model_;
  const OpClasses& classes_;
  Plan& plan_;
  std::unordered_set<std::string> functions_;  // keys of model-local functions
  std::vector<const Node*> nodes_;
  std::vector<const Graph*> graphs_;
  std::unordered_set<const Graph*> inside_;      // the same
  std::unordered_set<const Graph*> multiplies_;  // bodies that hold gemm_like operators, or bodies that do
  /// Where the results of bodies go: what they become outside, and whether the next turn reads them.
  struct Leaves {
    const Value* made = nullptr;
    bool next_turn = false;
  };
  std::unordered_map<const Value*, std::vector<Leaves>> leaves_;
  std::vector<const OpTraits*> traits_;  // by the nodes' marks
  std::deque<OpTraits> parts_;           // of the nodes of units that read parameters
  std::vector<ValueFlow> flows_;         // by the values' marks
};

/// "LayerNormalization 'add_3'": a composite operator bears the name of its last node.
std::string name_of(const Unit& composite);

/// An initializer, or the result of a Constant node.
bool is_constant(const Value& value);

}  // namespace qprep
