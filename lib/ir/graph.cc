#include "ir/graph.h"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>
#include <utility>

#include "ir/open_axes.h"

namespace qprep {
namespace {

void require(bool holds, std::string_view what) {
  if (!holds) throw std::logic_error(std::string(what));
}

Type type_of(const Tensor& tensor) {
  Shape shape;
  for (const std::int64_t size : tensor.dims()) shape.push_back({size, ""});
  return Type::tensor(tensor.dtype(), std::move(shape));
}

}  // namespace

std::optional<Dims> Type::static_dims() const {
  if (!shape) return std::nullopt;
  Dims dims;
  for (const Dim& dim : *shape) {
    if (!dim.known()) return std::nullopt;
    dims.push_back(dim.size);
  }
  return dims;
}

std::optional<std::size_t> Type::rank() const { return shape ? std::optional(shape->size()) : std::nullopt; }

std::string to_text(const Type& type) {
  if (type.kind == Type::Kind::kUnknown) return "?";
  if (type.kind == Type::Kind::kOther) return "other";
  if (!type.shape) return to_text(type.dtype) + "[*]";
  std::string text = to_text(type.dtype) + "[";
  for (std::size_t i = 0; i < type.shape->size(); ++i) {
    const Dim& dim = (*type.shape)[i];
    if (i > 0) text += ',';
    text += dim.known() ? fmt::to_string(dim.size) : is_nameless(dim) ? "?" : dim.symbol;
  }
  return text + "]";
}

// ---------------------------------------------------------------------------------------------------- Node

Value::Value(Graph& graph, std::string name)
    : graph_(&graph), name_(std::move(name)), number_(graph.names().values_made++) {}

Node::Node(Key, Graph& graph) : graph_(&graph), number_(graph.names().nodes_made++) {}

std::vector<Value*> Node::inputs() const {
  std::vector<Value*> values;
  values.reserve(inputs_.size());
  for (const Input& input : inputs_) values.push_back(input.value);
  return values;
}

bool Node::is_listed(std::size_t i) const {
  const Input& input = inputs_[i];
  if (!input.value) return true;
  const std::vector<Use>& uses = input.value->uses_;
  return input.use < uses.size() && uses[input.use].node == this && uses[input.use].input == i;
}

void Node::drop_use(std::size_t i) {
  const Input input = inputs_[i];
  if (!input.value) return;
  std::vector<Use>& uses = input.value->uses_;
  const Use last = uses.back();
  uses[input.use] = last;
  last.node->inputs_[last.input].use = input.use;
  uses.pop_back();
  inputs_[i] = {};
}

void Node::set_input(std::size_t i, Value* value) {
  require(i <= inputs_.size(), "set_input: no such input");
  if (i == inputs_.size()) inputs_.emplace_back();
  if (inputs_[i].value == value) return;
  drop_use(i);
  if (!value) return;
  inputs_[i] = {value, value->uses_.size()};
  value->uses_.push_back({this, i});
}

void Node::truncate_inputs(std::size_t count) {
  require(count <= inputs_.size(), "truncate_inputs: there are fewer");
  for (std::size_t i = count; i < inputs_.size(); ++i) drop_use(i);
  inputs_.resize(count);
}

Value& Node::add_output(std::string name) {
  outputs_.push_back(std::unique_ptr<Value>(new Value(*graph_, std::move(name))));
  Value& value = *outputs_.back();
  value.producer_ = this;
  value.index_ = outputs_.size() - 1;
  if (!value.name_.empty()) graph_->names_->values.reserve(value.name_);
  return value;
}

void Node::truncate_outputs(std::size_t count) {
  require(count <= outputs_.size(), "truncate_outputs: there are fewer");
  for (std::size_t i = count; i < outputs_.size(); ++i) {
    require(outputs_[i]->is_unused(), "truncate_outputs: an output is used");
  }
  outputs_.resize(count);
}

void Node::set_op(std::string op, std::string domain) {
  op_ = std::move(op);
  domain_ = std::move(domain);
}

const Attribute* Node::attribute(std::string_view name) const {
  const auto at =
      std::lower_bound(attributes_.begin(), attributes_.end(), name,
                       [](const Attribute& a, std::string_view wanted) { return a.name < wanted; });
  return at != attributes_.end() && at->name == name ? &*at : nullptr;
}

std::int64_t Node::int_or(std::string_view name, std::int64_t otherwise) const {
  const auto* found = get<std::int64_t>(name);
  return found ? *found : otherwise;
}

float Node::float_or(std::string_view name, float otherwise) const {
  const auto* found = get<float>(name);
  return found ? *found : otherwise;
}

std::string Node::string_or(std::string_view name, std::string otherwise) const {
  const auto* found = get<std::string>(name);
  return found ? *found : std::move(otherwise);
}

std::vector<std::int64_t> Node::ints_or(std::string_view name, std::vector<std::int64_t> otherwise) const {
  const auto* found = get<std::vector<std::int64_t>>(name);
  return found ? *found : std::move(otherwise);
}

void Node::add_attribute(Attribute attribute) {
  const auto at =
      std::lower_bound(attributes_.begin(), attributes_.end(), attribute.name,
                       [](const Attribute& a, const std::string& wanted) { return a.name < wanted; });
  if (at != attributes_.end() && at->name == attribute.name) {
    *at = std::move(attribute);
  } else {
    attributes_.insert(at, std::move(attribute));
  }
}

void Node::set_attribute(std::string name, AttributeValue value) {
  add_attribute({std::move(name), std::move(value), "", false});
}

void Node::erase_attribute(std::string_view name) {
  std::erase_if(attributes_, [&](const Attribute& a) { return a.name == name; });
}

AttributeValue Node::take_attribute(std::string_view name) {
  const auto at = std::find_if(attributes_.begin(), attributes_.end(),
                               [&](const Attribute& a) { return a.name == name; });
  require(at != attributes_.end(), "take_attribute: there is none of that name");
  AttributeValue value = std::move(at->value);
  attributes_.erase(at);
  return value;
}

std::vector<Graph*> Node::bodies() const {
  std::vector<Graph*> found;
  for (const Attribute& attribute : attributes_) {
    if (const auto* one = std::get_if<std::unique_ptr<Graph>>(&attribute.value)) {
      found.push_back(one->get());
    } else if (const auto* many = std::get_if<std::vector<std::unique_ptr<Graph>>>(&attribute.value)) {
      for (const auto& graph : *many) found.push_back(graph.get());
    }
  }
  return found;
}

void Node::absorb(const Node& other) {
  absorbed_.push_back(other.label());
  absorbed_.insert(absorbed_.end(), other.absorbed_.begin(), other.absorbed_.end());
  places_.insert(places_.end(), other.places_.begin(), other.places_.end());
}

void Node::take_over(Node& earlier) {
  places_.insert(places_.end(), earlier.places_.begin(), earlier.places_.end());
  std::vector<std::string> all = std::exchange(earlier.absorbed_, {});
  all.push_back(earlier.label());
  all.insert(all.end(), absorbed_.begin(), absorbed_.end());
  absorbed_ = std::move(all);
}

// --------------------------------------------------------------------------------------------------- Graph

std::string NameTable::fresh(const std::string& wanted) {
  if (!wanted.empty() && taken_.insert(wanted).second) return wanted;
  std::size_t& suffix = next_[wanted];
  for (;;) {
    std::string candidate = fmt::format("{}_{}", wanted, ++suffix);
    if (taken_.insert(candidate).second) return candidate;
  }
}

Graph::~Graph() {
  // Reads go before what they read, whatever the nodes' order.
  for (Node& node : nodes_) {
    node.attributes_.clear();
    node.truncate_inputs(0);
  }
}

void Graph::identify(std::string name, OriginId origin) {
  name_ = std::move(name);
  origin_ = origin;
}

Value& Graph::new_value(std::string name) {
  if (!name.empty()) names_->values.reserve(name);
  owned_.push_back(std::unique_ptr<Value>(new Value(*this, std::move(name))));
  return *owned_.back();
}

Value& Graph::add_input(std::string name, Type type) {
  Value& value = new_value(std::move(name));
  value.type_ = std::move(type);
  value.is_graph_input_ = true;
  inputs_.push_back(&value);
  return value;
}

void Graph::add_output(Value& value) {
  outputs_.push_back(&value);
  ++value.graph_output_count_;
}

void Graph::set_outputs(const std::vector<Value*>& values) {
  for (Value* output : outputs_) --output->graph_output_count_;
  outputs_.clear();
  for (Value* value : values) {
    require(value->graph_ == this, "set_outputs: a value of another graph");
    add_output(*value);
  }
}

void Graph::give_initializer(Value& value, Tensor tensor, OriginId origin) {
  require(!value.initializer_ && !value.producer_, "give_initializer: the value is defined already");
  if (value.type_.kind == Type::Kind::kUnknown) value.type_ = type_of(tensor);
  value.initializer_ = std::move(tensor);
  value.origin_ = origin;
  initializers_.push_back(&value);
}

Value& Graph::add_initializer(std::string name, Tensor tensor, OriginId origin) {
  Value& value = new_value(std::move(name));
  give_initializer(value, std::move(tensor), origin);
  return value;
}

Value& Graph::new_initializer(const std::string& wanted, Tensor tensor) {
  return add_initializer(names_->values.fresh(wanted), std::move(tensor));
}

void Graph::set_initializer(Value& value, Tensor tensor) {
  require(value.initializer_.has_value(), "set_initializer: not an initializer");
  value.type_ = type_of(tensor);
  value.initializer_ = std::move(tensor);
}

void Graph::order_initializers(std::span<const std::string> names) {
  std::unordered_map<std::string_view, std::size_t> places;
  for (const std::string& name : names) places.emplace(name, places.size());
  const auto place = [&](const Value* value) {
    const auto at = places.find(value->name());
    return at == places.end() ? places.size() : at->second;
  };
  std::stable_sort(initializers_.begin(), initializers_.end(),
                   [&](const Value* a, const Value* b) { return place(a) < place(b); });
}

void Graph::erase_initializers(const std::unordered_set<Value*>& values) {
  for (Value* value : values) {
    require(value->graph_ == this && value->initializer_ && value->is_unused(),
            "erase_initializers: not an unused initializer of this graph");
    value->initializer_.reset();
  }
  std::erase_if(initializers_, [&](Value* value) { return values.contains(value); });
  std::erase_if(owned_,
                [&](const auto& owned) { return !owned->is_graph_input_ && values.contains(owned.get()); });
}

void Graph::drop_input(Value& value) { drop_inputs({&value}); }

void Graph::drop_inputs(const std::unordered_set<Value*>& values) {
  for (Value* value : values) {
    require(value->graph_ == this && value->initializer_ && value->is_graph_input_,
            "drop_input: not an initializer that is an input too");
    value->is_graph_input_ = false;
  }
  std::erase_if(inputs_, [&](Value* value) { return values.contains(value); });
}

Node& Graph::add_node(std::string op, std::string domain, std::string name, std::string overload,
                      OriginId origin) {
  Node& node = nodes_.emplace_back(Node::Key(), *this);
  node.self_ = std::prev(nodes_.end());
  node.op_ = std::move(op);
  node.domain_ = std::move(domain);
  node.name_ = std::move(name);
  node.label_ = node.name_;
  node.overload_ = std::move(overload);
  node.origin_ = origin;
  if (!node.name_.empty()) names_->nodes.reserve(node.name_);
  return node;
}

Node& Graph::insert(Node* before, NodeSpec spec) {
  require(!before || before->graph_ == this, "insert: the node to stand before is in another graph");
  if (spec.name.empty() && !spec.outputs.empty()) spec.name = spec.outputs.front();
  Node& node =
      add_node(std::move(spec.op), std::move(spec.domain), names_->nodes.fresh(spec.name), "", kNoOrigin);
  if (before) nodes_.splice(before->self_, nodes_, node.self_);
  for (std::size_t i = 0; i < spec.inputs.size(); ++i) node.set_input(i, spec.inputs[i]);
  for (const std::string& output : spec.outputs) node.add_output(names_->values.fresh(output));
  return node;
}

void Graph::erase(Node& node) {
  require(node.graph_ == this, "erase: the node is in another graph");
  for (const auto& output : node.outputs_) require(output->is_unused(), "erase: an output is used");
  node.attributes_.clear();
  node.truncate_inputs(0);
  nodes_.erase(node.self_);
}

void Graph::move(Node& node, Node* before) {
  require(node.graph_ == this && (!before || before->graph_ == this), "move: the node is in another graph");
  nodes_.splice(before ? before->self_ : nodes_.end(), nodes_, node.self_);
}

void Graph::replace_uses(Value& from, Value& to) {
  if (&from == &to) return;
  for (const Use& use : from.uses_) {
    use.node->inputs_[use.input] = {&to, to.uses_.size()};
    to.uses_.push_back(use);
  }
  from.uses_.clear();
}

void Graph::redirect_output(std::size_t i, Value& value) {
  require(i < outputs_.size() && value.graph_ == this && !value.is_graph_input_ && !value.is_graph_output(),
          "redirect_output: not a value of this graph that may become an output");
  Value& old = *outputs_[i];
  std::string signature_name = std::move(old.name_);
  old.name_ = names_->values.fresh(signature_name + "_float");
  value.name_ = std::move(signature_name);
  for (Value*& output : outputs_) {
    if (output != &old) continue;
    output = &value;
    --old.graph_output_count_;
    ++value.graph_output_count_;
  }
}

void Graph::rename(Value& value, const std::string& wanted) { value.name_ = names_->values.fresh(wanted); }

void Graph::set_name(Value& value, std::string name) {
  names_->values.reserve(name);
  value.name_ = std::move(name);
}

// --------------------------------------------------------------------------------------------------- Model

std::int64_t Model::opset() const {
  for (const std::string_view domain : {"", "ai.onnx"}) {
    const auto at = opsets.find(domain);
    if (at != opsets.end()) return at->second;
  }
  return 0;
}

const Function* Model::function_of(const Node& node) const {
  for (const Function& function : functions) {
    if (function.name == node.op() && function.domain == node.domain() &&
        function.overload == node.overload()) {
      return &function;
    }
  }
  return nullptr;
}

std::string to_text(const KeptNode& node) {
  return fmt::format("{} leaves it as it is, since {}", node.replacement, node.because);
}

const Tensor* constant_of(const Value& value) {
  if (const Tensor* tensor = value.initializer()) return tensor;
  const Node* producer = value.producer();
  return producer && producer->is("Constant") ? producer->get<Tensor>("value") : nullptr;
}

const Node* enclosing_node(const Graph& graph, const Node& node) {
  const Node* at = &node;
  while (at && &at->graph() != &graph) at = at->graph().holder();
  return at;
}

}  // namespace qprep
