#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "passes/pass.h"

namespace qprep {

/// `visit` for the model's graph and every body inside it, outer ones first. Bodies of model-local functions
/// are left out: they may be called with other types and attributes.
void for_each_graph(Model& model, const std::function<void(Graph&)>& visit);

/// "is a Conv now": why a node of another operator is gone.
std::string is_now(std::string_view op);

/// The changes that rewrites share. It remembers what lost a reader, and finish() removes what nobody reads
/// any more for that reason; what was unused in the file stays.
///
/// Constants that are graph inputs too. Below IR 4 every initializer is one, so a new constant is a Constant
/// node there. From IR 4 on such an input is a default that a caller may override. A rewrite takes it as the
/// constant it is; what was taken stops being an input, so that overriding it is refused rather than half
/// obeyed, and a note says so.
class Rewriter {
 public:
  Rewriter(Model& model, Env& env) : model_(model), env_(env) {}

  /// Given: `x` equals the node's output 0, the only one that is used, and is visible wherever it is.
  /// Result: true: the readers of the output read x, a graph's output keeps its name, the node is gone and
  /// `heir`, which does its work from now on, has absorbed it. False, nothing changed: the node must stay,
  /// since x may not take the output's name (it is an input, a constant, an output itself, or of another
  /// graph).
  bool bypass(Node& node, Value& x, Node& heir);

  /// The same of a node that hands on `x` as it is: what made x absorbs it.
  bool drop(Node& node, Value& x);

  /// Given: the node, alone, does what `inner`, which makes its input 0, and itself did. Result: it reads
  /// what `inner` reads.
  void skip_inner(Node& node, Node& inner);

  /// Result: input i of the node reads `value`.
  void set_input(Node& node, std::size_t i, Value* value);
  void truncate_inputs(Node& node, std::size_t count);
  /// Given: nothing uses an output. Result: the node is gone; Model::gone says why, for selectors and
  /// explain.
  void erase(Node& node, std::string because);

  /// A constant with a fresh name made from `wanted`, in the graph of `before`, visible from there on.
  Value& new_constant(Node& before, const std::string& wanted, Tensor tensor);
  /// Result: an initializer in the graph of `value` with its name, which its readers read; `value` keeps
  /// none. Given: value is no graph output, the model is of IR 4 or newer, and the node that makes `value` is
  /// erased before the pass ends.
  void replace_by_initializer(Value& value, Tensor tensor);
  /// Result: the node is a Constant. Given: it has one output.
  void become_constant(Node& node, Tensor tensor);
  /// Result: the node is an Add of its input 0 and `tensor`, a constant with a fresh name made from `wanted`
  /// whose axes are the last of the data's. Given: only output 0 has a name.
  void become_add(Node& node, const std::string& wanted, Tensor tensor);
  /// Result: the node is a MatMul of the two. Given: it has two inputs and one output.
  void become_mat_mul(Node& node, Value& a, Value& b);
  /// Result: the node is `op` of these and has no attributes; it keeps its outputs. Model::gone says
  /// `because` of what it was.
  void become(Node& node, std::string op, const std::vector<Value*>& inputs, std::string because);
  /// Model::gone says `because` of what the node was, a clause whose subject it is; for what changes a node
  /// and leaves its operator.
  void remember(const Node& node, std::string because);
  /// Given: input i of the node is a constant. Result: it reads `tensor` instead; in place if nobody else
  /// reads that constant.
  void replace_constant(Node& node, std::size_t i, Tensor tensor);
  /// A rewrite has built the payload of this constant into something.
  void took(Value& constant);

  /// Result: what became superfluous is gone. Given: called once, at the end.
  void finish();

 private:
  bool bypass(Node& node, Value& x, Node* heir, std::string because);
  void clear_attributes(Node& node);
  void lost_reader(Value* value);
  void release_inputs(Node& node);
  void forget(Value& value);
  void forget(const Node& node);
  void drop_taken_inputs();
  void erase_dead_initializers();

  Model& model_;
  Env& env_;
  std::vector<Value*> unread_;   // initializers of the model's graph that lost a reader, maybe several times
  std::vector<Value*> pending_;  // other values that did; those not in live_ were looked at or erased since
  std::unordered_set<const Value*> live_;
  std::vector<Value*> taken_in_order_;  // graph inputs with a default; those not in taken_ were erased since
  std::unordered_set<const Value*> taken_;
  std::unordered_map<const Value*, std::string> former_names_;  // of results that initializers took over
  std::unordered_set<const Node*> merged_;                      // do what a node before them did, too
  std::unordered_set<Value*> dead_in_bodies_;                   // initializers that nobody reads any more
};

}  // namespace qprep
