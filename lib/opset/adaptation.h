#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "ir/graph.h"

namespace qprep {

/// Why a node cannot be raised, and what its owner can do: two parts of one sentence. Thrown by adapters,
/// collected by raise_opset.
struct Refusal {
  std::string why;     // "its input 'tiles' is no constant"
  std::string advice;  // "export the model at opset 6 or newer"
};

/// Where an adapter works: in a graph, or in the body of a model-local function, whose attributes may be the
/// function's and which cannot have initializers.
struct FunctionScope {
  const Function* function = nullptr;  // null: in the model's graph or one of its bodies
  /// The function's attributes that every caller gives, or that have a default.
  std::unordered_set<std::string> certain_attributes;
};

/// One node while an adapter raises it by one version. Nodes and constants that it makes belong to the new
/// version; the node itself stays the one that does the user's work, so that its name keeps its meaning.
class Adaptation {
 public:
  /// What the adapter makes superfluous is appended to `superfluous`.
  Adaptation(Node& node, const FunctionScope& scope, std::vector<Value*>& superfluous)
      : node_(node), scope_(scope), superfluous_(superfluous) {}

  Node& node() const { return node_; }
  Value* input(std::size_t i) const { return node_.input(i); }  // null: omitted
  /// An input or output that the operator must have. Refusal: the node lacks it.
  Value& required_input(std::size_t i) const;
  Value& required_output(std::size_t i) const;
  bool has(std::string_view attribute) const { return node_.attribute(attribute) != nullptr; }

  // The value of an attribute, or nullopt if it is absent. Refusal: it is of another kind, or a function's.
  std::optional<std::int64_t> integer(std::string_view attribute) const;
  std::optional<float> real(std::string_view attribute) const;
  std::optional<std::string> text(std::string_view attribute) const;
  std::optional<std::vector<std::int64_t>> integers(std::string_view attribute) const;
  std::optional<std::vector<float>> reals(std::string_view attribute) const;

  /// Result: the integers of the attribute as an int64[n] value, and the attribute is gone; null if it was
  /// absent. Refusal as above, but for the attribute of a function that every caller gives.
  Value* take_integers(std::string_view attribute);
  /// Result: the attribute `from` is called `to`, whatever its value; nothing if it is absent.
  void rename_attribute(std::string_view from, const std::string& to);
  void erase_attribute(std::string_view attribute) { node_.erase_attribute(attribute); }

  /// The rank of input i. Refusal: it is not known.
  std::size_t rank(std::size_t i) const;
  /// The element type of input i. Refusal: it is not known.
  DType dtype(std::size_t i) const;
  /// The payload of input i, if it is a constant of numbers that no caller can override.
  const Tensor* constant(std::size_t i) const;

  /// A constant that is visible where the node stands; its name is made from the node's output's.
  Value& new_constant(const std::string& suffix, Tensor tensor);
  Value& new_integers(const std::string& suffix, std::vector<std::int64_t> values);
  /// A scalar of an element type. Refusal: not float32, float64, float16 or bfloat16.
  Value& new_scalar(const std::string& suffix, DType dtype, float value);

  using Attributes = std::initializer_list<std::pair<std::string, std::int64_t>>;
  /// A new node before this one; its output's name is made from this node's. A type of an undefined element
  /// type says nothing.
  Value& before(const std::string& op, std::vector<Value*> inputs, const std::string& suffix, Type type,
                Attributes attributes = {});
  /// A new node after this one, and after those that after() made.
  Value& after(const std::string& op, std::vector<Value*> inputs, const std::string& suffix, Type type,
               Attributes attributes = {});
  /// Result: whoever read output i, but nodes that after() made, reads `value`, which takes its name and
  /// type and its place among the graph's outputs; output i has a new name made with `suffix`.
  void replace_output(std::size_t i, Value& value, const std::string& suffix);
  /// Result: input i is the value of a constant with other dims. The constant keeps its name if only this
  /// node reads it. Given: constant(i).
  void reshape_constant(std::size_t i, Dims dims);
  /// Result: the inputs from `count` on are gone; initializers among them are superfluous if nobody else
  /// reads them.
  void truncate_inputs(std::size_t count);
  /// Result: input i reads `value`; omitted inputs stand before it where there were none.
  void set_input(std::size_t i, Value* value);

  /// What before() and after() made, as they were called.
  const std::vector<const Node*>& made() const { return made_; }

 private:
  Value& constant_named(const std::string& name, Tensor tensor);
  const Attribute* literal(std::string_view attribute) const;
  Value& insert(Node* before, const std::string& op, std::vector<Value*> inputs, const std::string& suffix,
                Type type, Attributes attributes);
  std::string name_with(const std::string& suffix) const;

  Node& node_;
  const FunctionScope& scope_;
  std::vector<Value*>& superfluous_;
  std::vector<Node*> after_;
  std::vector<const Node*> made_;
};

/// Type::tensor of int64 with these sizes.
Type integers_type(std::size_t count);

}  // namespace qprep
