#include "passes/replacing.h"

#include <algorithm>
#include <fmt/format.h>

namespace qprep {
namespace {

/// One of two axes that meet; they are equal, or one of them is 1.
Dim broadcast_dim(const Dim& a, const Dim& b) {
  if (a == b || b.size == 1) return a;
  if (a.size == 1) return b;
  if (a.known()) return a;
  return b.known() ? b : Dim{};
}

Tensor vector_of(const std::vector<std::int64_t>& values) {
  return Tensor::int64s({static_cast<std::int64_t>(values.size())}, values);
}

bool takes_axes_as_input(std::string_view reduction, std::int64_t opset) {
  return opset >= (reduction == "ReduceSum" ? 13 : 18);
}

}  // namespace

Type broadcast_type(const Type& a, const Type& b) {
  Type type = a;
  type.shape.reset();
  if (!a.shape || !b.shape) return type;
  const Shape& longer = a.shape->size() >= b.shape->size() ? *a.shape : *b.shape;
  const Shape& shorter = a.shape->size() >= b.shape->size() ? *b.shape : *a.shape;
  Shape shape = longer;
  const std::size_t lead = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    shape[lead + i] = broadcast_dim(longer[lead + i], shorter[i]);
  }
  type.shape = std::move(shape);
  return type;
}

std::optional<std::vector<std::int64_t>> reshape_target(
    const Shape& shape, const std::vector<std::optional<std::size_t>>& source) {
  std::vector<std::int64_t> target;
  bool infers = false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool copies = source[i] == i;
    if (shape[i].known() && (shape[i].size > 0 || copies)) {
      target.push_back(shape[i].size);
    } else if (copies) {
      target.push_back(0);
    } else if (!shape[i].known() && !infers) {
      infers = true;
      target.push_back(-1);
    } else {
      return std::nullopt;
    }
  }
  return target;
}

std::optional<std::size_t> axis_of(std::int64_t axis, std::size_t rank) {
  const auto size = static_cast<std::int64_t>(rank);
  if (axis < -size || axis >= size) return std::nullopt;
  return static_cast<std::size_t>(axis < 0 ? axis + size : axis);
}

std::optional<std::vector<std::size_t>> axes_of(const std::vector<std::int64_t>& axes, std::size_t rank) {
  std::vector<std::size_t> found;
  for (const std::int64_t each : axes) {
    const auto axis = axis_of(each, rank);
    if (!axis) return std::nullopt;
    found.push_back(*axis);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

bool Replacing::is_float32(std::size_t input) const {
  return node_->input(input) && type(input).is_tensor_of(DType::kFloat32);
}

const Tensor* Replacing::constant(std::size_t input) const {
  const Value* value = node_->input(input);
  return value ? constant_of(*value) : nullptr;
}

bool Replacing::gives(std::string_view attribute, std::int64_t since, std::size_t input) const {
  return opset() < since ? node_->attribute(attribute) != nullptr : node_->input(input) != nullptr;
}

std::optional<std::vector<std::int64_t>> Replacing::ints(std::string_view attribute, std::int64_t since,
                                                         std::size_t input) const {
  if (opset() < since) {
    const auto* values = node_->get<std::vector<std::int64_t>>(attribute);
    return values ? std::optional(*values) : std::nullopt;
  }
  const Tensor* tensor = constant(input);
  return tensor ? tensor->to_int64s() : std::nullopt;
}

std::string Replacing::name_of(std::string_view part) const {
  return fmt::format("{}_{}", node_->output(0).name(), part);
}

Value& Replacing::constant(std::string_view part, Tensor tensor) {
  return rewriter_->new_constant(*node_, name_of(part), std::move(tensor));
}

Value& Replacing::shared_constant(const Value& from, const std::string& how, std::string_view part,
                                  const std::function<Tensor()>& make) {
  Value*& made = (*made_)[{&node_->graph(), &from, how}];
  if (!made) made = &rewriter_->new_constant(*node_, fmt::format("{}_{}", from.name(), part), make());
  return *made;
}

Value& Replacing::before(std::string_view op, const std::vector<Value*>& inputs, std::string_view part) {
  Node& made =
      node_->graph().insert(node_, {.op = std::string(op), .inputs = inputs, .outputs = {name_of(part)}});
  made.absorb(*node_);
  mark(made);
  Type type = inputs.front()->type();
  for (std::size_t i = 1; i < inputs.size(); ++i) type = broadcast_type(type, inputs[i]->type());
  made.output(0).set_type(std::move(type));
  return made.output(0);
}

void Replacing::mark(Node& made) const {
  // What was put in may be replaced in turn.
  made.set_made_for(node_->made_for().empty() ? node_->label() : node_->made_for());
  made.output(0).set_made(true);
}

Value& Replacing::reduced(std::string_view op, Value& x, const std::vector<std::int64_t>& axes,
                          std::string_view part) {
  const bool as_input = takes_axes_as_input(op, opset());
  std::vector<Value*> inputs = {&x};
  if (as_input) inputs.push_back(&constant(fmt::format("{}_axes", part), vector_of(axes)));
  Value& y = before(op, inputs, part);
  if (!as_input) y.producer()->set_attribute("axes", axes);
  y.producer()->set_attribute("keepdims", std::int64_t{1});
  Type type = x.type();
  if (type.shape) {
    for (const std::int64_t axis : axes) {
      if (const auto at = axis_of(axis, type.shape->size())) (*type.shape)[*at] = {1, ""};
    }
  }
  y.set_type(std::move(type));
  return y;
}

Value& Replacing::reshaped(Value& x, std::vector<std::int64_t> target, Shape shape, std::string_view part,
                           bool absorbs) {
  Value& to = constant(fmt::format("{}_shape", part), vector_of(target));
  Node& made =
      node_->graph().insert(node_, {.op = "Reshape", .inputs = {&x, &to}, .outputs = {name_of(part)}});
  if (absorbs) made.absorb(*node_);
  mark(made);
  made.output(0).set_type(Type::tensor(x.type().dtype, std::move(shape)));
  return made.output(0);
}

Tensor* Replacing::weight_for_training() const {
  const auto kept = model_->kept_batch_norms.find(node_);
  return kept == model_->kept_batch_norms.end() ? nullptr : &kept->second.weight;
}

void Replacing::become(std::string_view op, const std::vector<Value*>& inputs) {
  rewriter_->become(*node_, std::string(op), inputs, fmt::format("{}, by {}", is_now(op), name_));
}

void Replacing::set_last_input(std::size_t last, Value& value) {
  rewriter_->set_input(*node_, last, &value);
  rewriter_->truncate_inputs(*node_, last + 1);
}

void Replacing::become_reduced(std::string_view op, Value& x, const std::vector<std::int64_t>& axes,
                               std::int64_t keeps_axes) {
  const bool as_input = takes_axes_as_input(op, opset());
  std::vector<Value*> inputs = {&x};
  if (as_input) inputs.push_back(&constant("axes", vector_of(axes)));
  become(op, inputs);
  if (!as_input) node_->set_attribute("axes", axes);
  node_->set_attribute("keepdims", keeps_axes);
}

void Replacing::become_reshape(Value& x, std::vector<std::int64_t> target) {
  Value& to = constant("shape", vector_of(target));
  become("Reshape", {&x, &to});
}

void Replacing::change_type(Node& node, const Type& type, std::string_view part) {
  Value& y = node.output(0);
  node.add_place(y.name());
  node.graph().rename(y, fmt::format("{}_{}", y.name(), part));
  y.set_type(type);
  y.set_made(true);
}

void Replacing::reshape_behind(Node& node, Type type, const std::vector<std::int64_t>& target,
                               std::string_view part) {
  Graph& graph = node.graph();
  Value& y = node.output(0);
  const std::string name = y.name();
  Value& to = rewriter_->new_constant(node, fmt::format("{}_shape", name), vector_of(target));
  Node& reshape = graph.insert(&node, {.op = "Reshape", .inputs = {&y, &to}, .outputs = {name}});
  graph.move(node, &reshape);
  reshape.absorb(node);
  mark(reshape);
  reshape.output(0).set_made(false);
  y.set_made(true);
  Value& z = reshape.output(0);
  z.set_type(y.type());
  graph.replace_uses(y, z);
  reshape.set_input(0, &y);
  graph.names().values.release(z.name());
  if (y.is_graph_output()) {
    const auto at = std::find(graph.outputs().begin(), graph.outputs().end(), &y);
    graph.redirect_output(static_cast<std::size_t>(at - graph.outputs().begin()), z);
    graph.names().values.release(y.name());
  } else {
    graph.set_name(z, name);
  }
  graph.rename(y, fmt::format("{}_{}", name, part));
  y.set_type(std::move(type));
}

}  // namespace qprep
