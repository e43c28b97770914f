#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "passes/rewriter.h"

namespace qprep {

/// What came of an attempt to replace a node.
struct Replaced {
  enum class Kind { kYes, kOther, kNo };

  Kind kind = Kind::kYes;
  std::string because = {};  // kNo: a clause that follows "since "
  bool lacks_sizes = false;  // kNo: that is since sizes or a rank are not known

  static Replaced yes() { return {}; }
  /// The node is none of those that the replacement is for.
  static Replaced other() { return {Kind::kOther}; }
  static Replaced no(std::string because) { return {Kind::kNo, std::move(because)}; }
  static Replaced unknown(std::string because) { return {Kind::kNo, std::move(because), true}; }
};

/// Constants that replacements made, so that nodes of one weight go on sharing it.
using MadeConstants = std::map<std::tuple<const Graph*, const void*, std::string>, Value*>;

/// A node that may be replaced, and the ways of doing it. Until something is made, nothing is changed.
///
/// The node itself goes on as one of the operators that replace it, with its name; the others are new. Those
/// that compute absorb it, so that settings that name it hold for them; those that only give its data another
/// shape before it do not, since what they make is what was made before.
class Replacing {
 public:
  /// A name and a value that a new node's attribute has.
  struct Ints {
    std::string name;
    std::vector<std::int64_t> values;
  };

  /// `name`: of the replacement, which Model::gone names.
  /// `asks`: see asks().
  Replacing(Model& model, Rewriter& rewriter, MadeConstants& made, Node& node, std::string_view name,
            bool asks = false)
      : model_(&model), rewriter_(&rewriter), made_(&made), node_(&node), name_(name), asks_(asks) {}

  /// The node is not to be replaced: only what would come of it is wanted.
  bool asks() const { return asks_; }

  Node& node() const { return *node_; }
  std::int64_t opset() const { return model_->opset(); }
  const Type& type(std::size_t input) const { return node_->input(input)->type(); }
  const Type& output_type() const { return node_->output(0).type(); }

  bool is_float32(std::size_t input) const;
  /// The constant that the input is, or null.
  const Tensor* constant(std::size_t input) const;
  /// The constant integers that the attribute (below operator set `since`) or the input says; nullopt: there
  /// are none, or they are computed.
  std::optional<std::vector<std::int64_t>> ints(std::string_view attribute, std::int64_t since,
                                                std::size_t input) const;
  /// The attribute (below operator set `since`) or the input is given.
  bool gives(std::string_view attribute, std::int64_t since, std::size_t input) const;

  /// A constant with a name made from the node's result and `part`.
  Value& constant(std::string_view part, Tensor tensor);
  /// The same, made once of a constant that several nodes read; `how`: what `make` does to it.
  Value& shared_constant(const Value& from, const std::string& how, std::string_view part,
                         const std::function<Tensor()>& make);

  /// The result of a new node before this one. `part`: the end of its name. Its type has the elements of the
  /// first input's and the shape that broadcasting gives.
  Value& before(std::string_view op, const std::vector<Value*>& inputs, std::string_view part);
  /// A reduction with its axes kept.
  Value& reduced(std::string_view op, Value& x, const std::vector<std::int64_t>& axes, std::string_view part);
  /// A Reshape. `absorbs`: it stands inside, not before what the node computes.
  Value& reshaped(Value& x, std::vector<std::int64_t> target, Shape shape, std::string_view part,
                  bool absorbs = true);

  /// Result: the node is `op` of the inputs.
  void become(std::string_view op, const std::vector<Value*>& inputs);
  void become_reduced(std::string_view op, Value& x, const std::vector<std::int64_t>& axes,
                      std::int64_t keeps_axes);
  /// Result: only output 0 is left.
  void truncate_outputs() { node_->truncate_outputs(1); }
  void set_input(std::size_t input, Value& value) { rewriter_->set_input(*node_, input, &value); }
  /// Result: input `last` reads the value, and there is none behind it.
  void set_last_input(std::size_t last, Value& value);
  void become_reshape(Value& x, std::vector<std::int64_t> target);
  /// Result: `node` makes a value of type `type`, which the file cannot have under that name; selectors still
  /// can.
  void change_type(Node& node, const Type& type, std::string_view part);
  /// Result: `node` (this one, or one that reads its result) makes a new value of type `type`; a Reshape
  /// behind it makes what it made before.
  void reshape_behind(Node& node, Type type, const std::vector<std::int64_t>& target, std::string_view part);

  /// Result: Model::gone tells of the node, which keeps its operator, "CLAUSE now, by REPLACEMENT".
  void tell(std::string_view clause) {
    rewriter_->remember(*node_, std::string(clause) + " now, by " + std::string(name_));
  }

  /// The weight that the node has in the models for training, where a batch norm that it took in stands
  /// behind it; null: none does.
  Tensor* weight_for_training() const;

  /// What the rewriting took from the constant at the input is in the graph now.
  void took(std::size_t input) { rewriter_->took(*node_->input(input)); }

 private:
  std::string name_of(std::string_view part) const;
  /// Result: messages say that `made` was put in for the node.
  void mark(Node& made) const;

  Model* model_;
  Rewriter* rewriter_;
  MadeConstants* made_;
  Node* node_;
  std::string_view name_;
  bool asks_;
};

/// The type of what an elementwise operator makes of the two: elements of the first.
Type broadcast_type(const Type& a, const Type& b);
/// The sizes in `shape` as a Reshape's target, where sizes that are unknown are copied from `from` if they
/// stand at the same place there (source[i]: the axis that size i is, or nullopt), or inferred, at most one.
/// nullopt: two are unknown, or a size is 0.
std::optional<std::vector<std::int64_t>> reshape_target(
    const Shape& shape, const std::vector<std::optional<std::size_t>>& source);
/// The axis counted from the front; nullopt: there is none.
std::optional<std::size_t> axis_of(std::int64_t axis, std::size_t rank);
/// All of them, ascending and each once.
std::optional<std::vector<std::size_t>> axes_of(const std::vector<std::int64_t>& axes, std::size_t rank);

}  // namespace qprep
