#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tsl/robin_set.h>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "ir/tensor.h"

/// The intermediate representation: a graph of nodes that read and write values, as in ONNX, with use lists.
///
/// Ownership: a Graph owns its nodes, inputs and initializers; a Node owns its outputs and, in attributes,
/// the bodies of If, Loop and Scan. Edges are plain pointers, so a Value may be renamed at will. A body reads
/// values of the graphs around it directly: such a use appears in the outer value's use list like any other.
///
/// Mutators are documented as Given (precondition, checked: std::logic_error), Execute, Result.
namespace qprep {

class Graph;
class Node;
class Value;

/// One axis of a shape: a size, or a symbol ("batch"), or neither.
struct Dim {
  std::int64_t size = -1;  // -1 = unknown
  std::string symbol;

  bool known() const { return size >= 0; }
  friend bool operator==(const Dim&, const Dim&) = default;
};

using Shape = std::vector<Dim>;

/// What is known of a value's type. kOther: sequence, map, optional or sparse tensor, kept only by the file's
/// record.
struct Type {
  enum class Kind { kUnknown, kTensor, kOther };

  Kind kind = Kind::kUnknown;
  DType dtype = DType::kUndefined;
  std::optional<Shape> shape;  // nullopt = unknown rank

  static Type tensor(DType dtype, std::optional<Shape> shape = std::nullopt) {
    return {Kind::kTensor, dtype, std::move(shape)};
  }
  bool is_tensor_of(DType wanted) const { return kind == Kind::kTensor && dtype == wanted; }
  /// All sizes, if every one is known.
  std::optional<Dims> static_dims() const;
  std::optional<std::size_t> rank() const;

  friend bool operator==(const Type&, const Type&) = default;
};

/// "float32[1,3,N,?]", "float32[*]" for an unknown rank, "?" for an unknown type.
std::string to_text(const Type& type);

/// Names the record that a node or initializer has in the file it was read from (onnx_io keeps the records;
/// the writer starts from them, so that unknown fields survive). kNoOrigin: made by a pass.
using OriginId = std::uint32_t;
inline constexpr OriginId kNoOrigin = ~OriginId{0};

/// Input number `input` of `node` reads the value.
struct Use {
  Node* node = nullptr;
  std::size_t input = 0;

  friend bool operator==(const Use&, const Use&) = default;
};

/// The result of a node, an input of a graph, or an initializer. The empty name is an omitted optional
/// output.
class Value {
 public:
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;

  const std::string& name() const { return name_; }
  const Type& type() const { return type_; }
  void set_type(Type type) { type_ = std::move(type); }

  /// The payload of an initializer; null for anything else. See constant_of for Constant nodes.
  const Tensor* initializer() const { return initializer_ ? &*initializer_ : nullptr; }

  Node* producer() const { return producer_; }            // null: graph input or initializer
  std::size_t producer_output() const { return index_; }  // which output of producer()
  Graph& graph() const { return *graph_; }                // the graph that defines it
  bool is_graph_input() const { return is_graph_input_; }
  bool is_graph_output() const { return graph_output_count_ > 0; }

  /// A number that an algorithm may leave on the value and read again, for as long as no other does the same:
  /// cheaper than a table of values. Starts at 0.
  std::uint64_t mark() const { return mark_; }
  void set_mark(std::uint64_t mark) const { mark_ = mark; }

  /// No other value of the model has it, nor had it; small, for tables (ir/numbered.h).
  std::size_t number() const { return number_; }

  /// Every reader, in no particular order but the same one in every run; bodies' readers included.
  std::span<const Use> uses() const { return uses_; }
  /// Exactly one node reads it, once, and no graph outputs it.
  bool has_single_use() const { return uses_.size() == 1 && graph_output_count_ == 0; }
  bool is_unused() const { return uses_.empty() && graph_output_count_ == 0; }

  OriginId origin() const { return origin_; }

  /// A replacement put the value in: the file has none with this name. Messages say whose it is.
  bool is_made() const { return made_; }
  void set_made(bool made) { made_ = made; }

 private:
  friend class Graph;
  friend class Node;
  Value(Graph& graph, std::string name);

  Graph* graph_;
  std::string name_;
  Type type_;
  std::optional<Tensor> initializer_;
  Node* producer_ = nullptr;
  std::size_t index_ = 0;
  bool is_graph_input_ = false;
  bool made_ = false;
  std::size_t graph_output_count_ = 0;
  std::vector<Use> uses_;
  mutable std::uint64_t mark_ = 0;
  std::uint32_t number_;
  OriginId origin_ = kNoOrigin;
};

/// monostate: of a kind that only the file's record keeps (sparse tensors, types, lists of tensors,
/// references to a function's attribute).
using AttributeValue = std::variant<std::monostate, std::int64_t, float, std::string, Tensor,
                                    std::unique_ptr<Graph>, std::vector<std::int64_t>, std::vector<float>,
                                    std::vector<std::string>, std::vector<std::unique_ptr<Graph>>>;

struct Attribute {
  std::string name;
  AttributeValue value;
  std::string reference;   // inside a function: the name of the function's attribute it takes its value from
  bool from_file = false;  // still as the node's record in the file has it
};

class Node {
 public:
  /// Only a Graph makes nodes.
  class Key {
    friend class Graph;
    Key() = default;
  };
  Node(Key, Graph& graph);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const std::string& name() const { return name_; }  // as in the file: may be empty or shared
  /// What selectors, reports and messages call it: unique in the model. The name where that is unique and not
  /// empty, else made from it or from the operator.
  const std::string& label() const { return label_; }
  const std::string& op() const { return op_; }
  const std::string& domain() const { return domain_; }
  const std::string& overload() const { return overload_; }
  /// True for operator `op` of ONNX's default domain ("" or "ai.onnx").
  bool is(std::string_view op) const { return op_ == op && is_onnx_domain(); }
  bool is_onnx_domain() const { return domain_.empty() || domain_ == "ai.onnx"; }
  Graph& graph() const { return *graph_; }

  std::size_t input_count() const { return inputs_.size(); }
  Value* input(std::size_t i) const {
    return i < inputs_.size() ? inputs_[i].value : nullptr;
  }  // null = omitted
  std::vector<Value*> inputs() const;
  std::size_t output_count() const { return outputs_.size(); }
  Value& output(std::size_t i) const { return *outputs_.at(i); }

  /// Whether input i stands in its value's use list, where it should. Given: i < input_count().
  bool is_listed(std::size_t i) const;
  /// The only writer of use lists.
  /// Given: i <= input_count(); `value` (null = omitted) belongs to this graph or one around it.
  /// Result: input i reads `value`; i == input_count() appends.
  void set_input(std::size_t i, Value* value);
  /// Given: count <= input_count(). Result: only the first `count` inputs remain.
  void truncate_inputs(std::size_t count);
  /// Result: a new output at the end, named `name`.
  Value& add_output(std::string name);
  /// Given: the outputs after `count` are unused. Result: they are gone.
  void truncate_outputs(std::size_t count);

  void set_op(std::string op, std::string domain = "");
  void set_name(std::string name) { name_ = std::move(name); }
  void set_label(std::string label) { label_ = std::move(label); }

  /// Where the node, and those that it absorbed, stood in the program that the model was exported from, as
  /// the exporter noted beside the names: "layer1.0.conv1.conv2d". Selectors speak of them.
  const std::vector<std::string>& places() const { return places_; }
  void add_place(std::string place) { places_.push_back(std::move(place)); }

  std::span<const Attribute> attributes() const { return attributes_; }  // sorted by name
  const Attribute* attribute(std::string_view name) const;
  /// The attribute's value if it is there and has type T.
  template <typename T>
  const T* get(std::string_view name) const {
    const Attribute* found = attribute(name);
    return found ? std::get_if<T>(&found->value) : nullptr;
  }
  std::int64_t int_or(std::string_view name, std::int64_t otherwise) const;
  float float_or(std::string_view name, float otherwise) const;
  std::string string_or(std::string_view name, std::string otherwise) const;
  std::vector<std::int64_t> ints_or(std::string_view name, std::vector<std::int64_t> otherwise) const;

  void reserve_attributes(std::size_t count) { attributes_.reserve(count); }
  void set_attribute(std::string name, AttributeValue value);
  /// For readers: keeps from_file and reference as given.
  void add_attribute(Attribute attribute);
  void erase_attribute(std::string_view name);
  /// Given: the attribute is there. Result: it is gone; its value.
  AttributeValue take_attribute(std::string_view name);
  /// The graphs in the attributes, in attribute order.
  std::vector<Graph*> bodies() const;

  /// See Value::mark() and Value::number().
  std::uint64_t mark() const { return mark_; }
  void set_mark(std::uint64_t mark) const { mark_ = mark; }
  std::size_t number() const { return number_; }

  OriginId origin() const { return origin_; }
  void set_origin(OriginId origin) { origin_ = origin; }
  /// Labels of the user's nodes whose work this node does besides its own: what was folded into it, or what
  /// it was made from. Selectors and reports speak of these.
  const std::vector<std::string>& absorbed() const { return absorbed_; }
  void absorb(const Node& other);
  /// The same for a node that stands before this one and is about to go: its list moves to the front of this
  /// one's, so that a chain costs no more than its length.
  void take_over(Node& earlier);
  /// The label of the user's node for which a replacement put this one into the graph; empty: it is none of
  /// those. Messages and reports name both, since the file has no node of this one's name.
  const std::string& made_for() const { return made_for_; }
  void set_made_for(std::string label) { made_for_ = std::move(label); }

 private:
  friend class Graph;
  struct Input {
    Value* value = nullptr;
    std::size_t use = 0;  // position in value->uses_
  };
  void drop_use(std::size_t i);

  Graph* graph_;
  std::string name_, label_, op_, domain_, overload_, made_for_;
  std::vector<Input> inputs_;
  std::vector<std::unique_ptr<Value>> outputs_;
  std::vector<Attribute> attributes_;
  std::vector<std::string> absorbed_, places_;
  OriginId origin_ = kNoOrigin;
  std::uint32_t number_;
  mutable std::uint64_t mark_ = 0;
  std::list<Node>::iterator self_;
};

/// The names in use anywhere in a model, so that a fresh one clashes with none, in whatever body.
class NameTable {
 public:
  void reserve(const std::string& name) { taken_.insert(name); }
  /// For readers: `count` names more are to come.
  void expect(std::size_t count) { taken_.reserve(taken_.size() + count); }
  bool taken(const std::string& name) const { return taken_.contains(name); }
  /// Given: nothing in the model bears `name` any more. Result: it is free.
  void release(const std::string& name) { taken_.erase(name); }
  /// `wanted`, or `wanted`_1, _2, ...: the first that is free. Result: it is taken.
  std::string fresh(const std::string& wanted);

 private:
  tsl::robin_set<std::string, std::hash<std::string>, std::equal_to<>, std::allocator<std::string>, true>
      taken_;  // with the hashes stored
  std::unordered_map<std::string, std::size_t>
      next_;  // the suffix to try first, so that n clashes cost n steps
};

struct Names {
  NameTable values;
  NameTable nodes;                                // names and labels
  std::uint32_t values_made = 0, nodes_made = 0;  // the numbers of the next ones
};

/// What Graph::insert makes.
struct NodeSpec {
  std::string op;
  std::vector<Value*> inputs = {};
  std::vector<std::string> outputs = {};  // names; made unique
  std::string name = {};                  // made unique; empty: from the first output's name
  std::string domain = {};
};

class Graph {
 public:
  /// `holder`: the node whose body this is; null for a model's graph and a function's body.
  Graph(Names& names, Node* holder) : names_(&names), holder_(holder) {}
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  ~Graph();

  Node* holder() const { return holder_; }
  /// For passes that move a body to another node. Given: an attribute of `holder` owns this graph.
  void set_holder(Node& holder) { holder_ = &holder; }
  Names& names() const { return *names_; }
  const std::string& name() const { return name_; }
  OriginId origin() const { return origin_; }
  /// For readers: what the file calls the graph, and its record there.
  void identify(std::string name, OriginId origin);

  std::list<Node>& nodes() { return nodes_; }  // in topological order
  const std::list<Node>& nodes() const { return nodes_; }
  std::span<Value* const> inputs() const { return inputs_; }
  std::span<Value* const> outputs() const { return outputs_; }
  /// In the file's order, new ones last. One that is also a graph input (IR 3) stands in both lists.
  std::span<Value* const> initializers() const { return initializers_; }

  // Building, for readers and passes.
  Value& add_input(std::string name, Type type);
  void add_output(Value& value);
  /// Given: the name is free. Result: an initializer named `name` as it is.
  Value& add_initializer(std::string name, Tensor tensor, OriginId origin = kNoOrigin);
  /// Given: value is a graph input. Result: it is an initializer too (its default, or below IR 4 its
  /// constant).
  void give_initializer(Value& input, Tensor tensor, OriginId origin = kNoOrigin);
  /// Result: an initializer with a fresh name made from `wanted`.
  Value& new_initializer(const std::string& wanted, Tensor tensor);
  /// Result: the initializer's payload is `tensor`; every reader sees it; its name and record stay.
  void set_initializer(Value& value, Tensor tensor);
  /// Result: the initializers of these names stand first and in this order, the others as they did.
  void order_initializers(std::span<const std::string> names);
  /// Given: each is an initializer of this graph that nothing uses. Result: they are gone; one that is a
  /// graph input too is only that from now on.
  void erase_initializers(const std::unordered_set<Value*>& values);
  /// Given: value is a graph input and an initializer. Result: only an initializer.
  void drop_input(Value& value);
  /// The same for many at once, in the time of one.
  void drop_inputs(const std::unordered_set<Value*>& values);
  /// A node with no inputs and outputs yet, for readers: names and label as given, at the end.
  Node& add_node(std::string op, std::string domain, std::string name, std::string overload, OriginId origin);

  /// Given: before is a node of this graph, or null for the end; inputs are visible there.
  /// Result: a new node before it, with fresh names; its label is its name.
  Node& insert(Node* before, NodeSpec spec);
  /// Given: nothing uses an output of the node. Result: it and its bodies are gone.
  void erase(Node& node);
  /// Result: `node` stands before `before` (null = at the end). The caller keeps the order topological.
  void move(Node& node, Node* before);

  /// Result: every node that read `from` reads `to` instead, bodies included. Graph outputs stay.
  void replace_uses(Value& from, Value& to);
  /// Result: these are the outputs of the graph, in this order. Given: each is defined here.
  void set_outputs(const std::vector<Value*>& values);
  /// Result: output i of the graph is `value`; the graph's signature keeps the old value's name: `value`
  /// takes it and the old value gets a fresh one. Given: `value` is defined here and is no graph input or
  /// output.
  void redirect_output(std::size_t i, Value& value);
  /// Result: the value has a fresh name made from `wanted`.
  void rename(Value& value, const std::string& wanted);
  /// Result: the value's name is `name` as it is. For readers, and for passes that know it to be free.
  void set_name(Value& value, std::string name);

 private:
  friend class Node;
  Value& new_value(std::string name);

  Names* names_;
  Node* holder_;
  std::string name_;
  OriginId origin_ = kNoOrigin;
  std::list<Node> nodes_;
  std::vector<Value*> inputs_, outputs_, initializers_;
  std::vector<std::unique_ptr<Value>> owned_;  // inputs and initializers
};

/// The operator sets that a model or function imports: domain ("" for ONNX's own) to version.
using Opsets = std::map<std::string, std::int64_t, std::less<>>;

/// A model-local function. Its body's inputs and outputs are the function's.
struct Function {
  std::string name, domain, overload;
  std::vector<std::string>
      attributes;  // names that a caller sets; one with a default is only in the file's record
  Opsets opsets;
  std::unique_ptr<Graph> body;
  OriginId origin = kNoOrigin;
};

/// A node of the user's file that a rewrite took out of the main graph.
struct GoneNode {
  std::string label, op;
  std::vector<std::string> reads, results;  // the names of its inputs and outputs
  std::string because;                      // a clause whose subject it is: "was folded into 'conv1'"
};

/// A batch norm that was folded into the layer before it, with what it takes to write both as they were:
/// passes/kept_batch_norms.h does.
struct KeptBatchNorm {
  enum class Stood {
    kBehindLayer,     // it read the layer's result
    kBehindConstant,  // it read an Add of a constant that alone reads the layer's result
    kAsAdd,           // of a MatMul: the Add of its shift, which alone reads the layer's result, was its node
  };

  Stood stood = Stood::kBehindLayer;
  std::string name;
  float epsilon = 1e-5F;
  std::optional<float> momentum = {};
  std::vector<std::pair<std::string, Tensor>> parameters;  // scale, bias, mean, variance: name and numbers
  Tensor weight;                                           // of the layer, before
  std::optional<Tensor> bias = {};                         // of the layer, before; nullopt: it had none
  std::optional<Tensor> constant = {};                     // of kBehindConstant: the Add's, before
};

/// A node that a rewrite was asked to replace, and left as it is.
struct KeptNode {
  std::string label, op;
  std::string replacement;   // of those that were asked for, the last that was tried: "gemm-to-conv"
  std::string because;       // a clause that follows "since ": "its weight is no constant"
  bool lacks_sizes = false;  // sizes or a rank that it would take are not known
};
/// "gemm-to-conv leaves it as it is, since its weight is no constant".
std::string to_text(const KeptNode& node);

/// A batch norm that no layer took in.
struct StandingNorm {
  std::string label;
  std::string because;     // a clause: "the tensor is used elsewhere too"
  bool foldable = false;   // a layer could, but for what the configuration says
  std::string layer = {};  // of a foldable one, that layer's label if it stands before it
};

/// Nodes that could be one unit as the file has them, and are not since the configuration says so.
/// Replacements may leave something else of them.
struct SequenceApart {
  std::string pattern;              // "conv-bn"
  std::vector<std::string> labels;  // in graph order
  std::string because;
};

/// A model as the passes see it. Everything else in the file (producer, documentation, metadata, training
/// info, value_info, annotations, unknown fields) stays in the record that onnx_io keeps beside it.
struct Model {
  Model() : names(std::make_unique<Names>()), graph(std::make_unique<Graph>(*names, nullptr)) {}

  std::string file;  // for messages; empty if it was built in memory
  std::int64_t ir_version = 8;
  Opsets opsets;
  std::unique_ptr<Names> names;
  std::unique_ptr<Graph> graph;
  std::vector<Function> functions;
  std::vector<std::pair<std::string, std::string>> added_metadata;  // appended to the file's metadata_props
  std::vector<GoneNode> gone;                                       // as they went; settled, as in the file
  /// By the layer that each was folded into. Iterate the graph, never this map.
  std::unordered_map<const Node*, KeptBatchNorm> kept_batch_norms;
  std::vector<KeptNode> kept;
  std::vector<StandingNorm> standing_norms;
  std::vector<SequenceApart> apart;            // known where nodes are replaced
  std::vector<std::string> idle_replacements;  // that were asked for, and are for no node of the model

  /// The version of ONNX's own operator set; 0 if the model does not import it.
  std::int64_t opset() const;
  /// The function that the node calls, or null.
  const Function* function_of(const Node& node) const;
};

/// The constant that a value is: an initializer, or the tensor of a Constant node; else null. An initializer
/// that is a graph input too counts: from IR 4 on it is a default that a caller may override, see
/// Value::is_graph_input.
const Tensor* constant_of(const Value& value);

/// The node at the level of `graph` that contains `node`: itself, or the holder of the body that it is in.
/// Null if `node` is not inside `graph`.
const Node* enclosing_node(const Graph& graph, const Node& node);

}  // namespace qprep
