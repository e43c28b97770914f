#include "passes/rewriter.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

#include "ir/held.h"
#include "passes/gone_nodes.h"
#include "support/codes.h"

namespace qprep {
namespace {

void visit_bodies(Graph& graph, const std::function<void(Graph&)>& visit) {
  visit(graph);
  for (Node& node : graph.nodes()) {
    for (Graph* body : node.bodies()) visit_bodies(*body, visit);
  }
}

// Everything that is known from either; where they differ, `first` holds.
Type merged(const Type& first, const Type& second) {
  if (first.kind == Type::Kind::kUnknown) return second;
  if (first.kind != Type::Kind::kTensor || second.kind != Type::Kind::kTensor) return first;
  Type type = first;
  if (type.dtype == DType::kUndefined) type.dtype = second.dtype;
  if (!type.shape) {
    type.shape = second.shape;
  } else if (second.shape && second.shape->size() == type.shape->size()) {
    for (std::size_t i = 0; i < type.shape->size(); ++i) {
      Dim& dim = (*type.shape)[i];
      const Dim& other = (*second.shape)[i];
      if (!dim.known() && (other.known() || dim.symbol.empty())) dim = other;
    }
  }
  return type;
}

Type type_of(const Tensor& tensor) {
  Shape shape;
  for (const std::int64_t size : tensor.dims()) shape.push_back({size, ""});
  return Type::tensor(tensor.dtype(), std::move(shape));
}

bool is_read_in_a_body(const Value& value) {
  return std::any_of(value.uses().begin(), value.uses().end(),
                     [&](const Use& use) { return &use.node->graph() != &value.graph(); });
}

bool is_unused(const Node& node) {
  for (std::size_t i = 0; i < node.output_count(); ++i) {
    if (!node.output(i).is_unused()) return false;
  }
  return true;
}

template <typename Values>
std::unordered_map<Graph*, std::unordered_set<Value*>> by_graph(const Values& values) {
  std::unordered_map<Graph*, std::unordered_set<Value*>> groups;
  for (Value* value : values) groups[&value->graph()].insert(value);
  return groups;
}

}  // namespace

void for_each_graph(Model& model, const std::function<void(Graph&)>& visit) {
  visit_bodies(*model.graph, visit);
}

std::string is_now(std::string_view op) {
  const bool vowel = std::string_view("AEIO").find(op.front()) != std::string_view::npos;
  return fmt::format("is {} {} now", vowel ? "an" : "a", op);
}

bool Rewriter::bypass(Node& node, Value& x, Node& heir) {
  return bypass(node, x, &heir, folded_into(heir.label()));
}

bool Rewriter::drop(Node& node, Value& x) {
  return bypass(node, x, x.producer(),
                merged_.contains(&node)
                    ? fmt::format("undoes what those before it did to '{}', and{}", x.name(), kLeftOut)
                    : hands_on(x.name()));
}

bool Rewriter::bypass(Node& node, Value& x, Node* heir, std::string because) {
  Value& y = node.output(0);
  Graph& graph = node.graph();
  const std::string result = y.name();
  if (y.is_graph_output()) {
    // A body may have a value of y's name of its own if it stands before y: then x could not take it.
    const bool can_take_name =
        &x.graph() == &graph && x.producer() && !x.is_graph_output() && !is_read_in_a_body(x);
    if (!can_take_name) return false;
    const auto at = std::find(graph.outputs().begin(), graph.outputs().end(), &y);
    graph.redirect_output(static_cast<std::size_t>(at - graph.outputs().begin()), x);
    graph.names().values.release(y.name());
    x.set_type(merged(y.type(), x.type()));
  } else {
    x.set_type(merged(x.type(), y.type()));
  }
  graph.replace_uses(y, x);
  if (heir) {
    heir->absorb(node);
    heir->add_place(result);
  }
  erase(node, std::move(because));
  return true;
}

void Rewriter::skip_inner(Node& node, Node& inner) {
  merged_.insert(&node);
  set_input(node, 0, inner.input(0));
}

void Rewriter::set_input(Node& node, std::size_t i, Value* value) {
  lost_reader(node.input(i));
  node.set_input(i, value);
}

void Rewriter::truncate_inputs(Node& node, std::size_t count) {
  for (std::size_t i = count; i < node.input_count(); ++i) lost_reader(node.input(i));
  node.truncate_inputs(count);
}

void Rewriter::erase(Node& node, std::string because) {
  remember(node, std::move(because));
  release_inputs(node);
  forget(node);
  model_.kept_batch_norms.erase(&node);
  node.graph().erase(node);
}

void Rewriter::remember(const Node& node, std::string because) {
  if (&node.graph() != model_.graph.get() || node.origin() == kNoOrigin) return;
  GoneNode& gone = model_.gone.emplace_back(GoneNode{node.label(), node.op(), {}, {}, std::move(because)});
  for (const Value* input : node.inputs()) {
    if (input) gone.reads.push_back(input->name());
  }
  for (std::size_t i = 0; i < node.output_count(); ++i) {
    const auto former = former_names_.find(&node.output(i));
    gone.results.push_back(former == former_names_.end() ? node.output(i).name() : former->second);
  }
}

Value& Rewriter::new_constant(Node& before, const std::string& wanted, Tensor tensor) {
  Graph& graph = before.graph();
  if (model_.ir_version >= 4) return graph.new_initializer(wanted, std::move(tensor));
  Node& constant = graph.insert(&before, {.op = "Constant", .outputs = {wanted}});
  constant.output(0).set_type(type_of(tensor));
  constant.set_attribute("value", std::move(tensor));
  return constant.output(0);
}

void Rewriter::replace_by_initializer(Value& value, Tensor tensor) {
  Graph& graph = value.graph();
  const std::string name = value.name();
  former_names_.emplace(&value, name);
  graph.rename(value, name);
  graph.names().values.release(value.name());
  graph.replace_uses(value, graph.add_initializer(name, std::move(tensor)));
}

void Rewriter::become_constant(Node& node, Tensor tensor) {
  truncate_inputs(node, 0);
  clear_attributes(node);
  node.set_op("Constant");
  node.output(0).set_type(type_of(tensor));
  node.set_attribute("value", std::move(tensor));
}

void Rewriter::become_add(Node& node, const std::string& wanted, Tensor tensor) {
  remember(node, "is an Add now, its factor in the weight before it");
  truncate_inputs(node, 1);
  node.truncate_outputs(1);
  clear_attributes(node);
  node.set_op("Add");
  if (model_.opset() < 7) node.set_attribute("broadcast", std::int64_t{1});
  node.set_input(1, &new_constant(node, wanted, std::move(tensor)));
}

void Rewriter::clear_attributes(Node& node) {
  std::vector<std::string> names;
  for (const Attribute& attribute : node.attributes()) names.push_back(attribute.name);
  for (const std::string& name : names) node.erase_attribute(name);
}

void Rewriter::become_mat_mul(Node& node, Value& a, Value& b) {
  become(node, "MatMul", {&a, &b}, is_now("MatMul"));
}

void Rewriter::become(Node& node, std::string op, const std::vector<Value*>& inputs, std::string because) {
  remember(node, std::move(because));
  clear_attributes(node);
  node.set_op(std::move(op));
  truncate_inputs(node, std::min(node.input_count(), inputs.size()));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    lost_reader(node.input(i));
    node.set_input(i, inputs[i]);
  }
}

void Rewriter::replace_constant(Node& node, std::size_t i, Tensor tensor) {
  Value& value = *node.input(i);
  took(value);
  Node* constant = value.producer();
  if (value.has_single_use() && value.initializer()) {
    value.graph().set_initializer(value, std::move(tensor));
  } else if (value.has_single_use() && constant && constant->get<Tensor>("value")) {
    value.set_type(type_of(tensor));
    constant->set_attribute("value", std::move(tensor));
  } else {
    set_input(node, i, &new_constant(node, value.name(), std::move(tensor)));
  }
}

void Rewriter::took(Value& constant) {
  if (constant.is_graph_input() && model_.ir_version >= 4 && taken_.insert(&constant).second) {
    taken_in_order_.push_back(&constant);
  }
}

void Rewriter::lost_reader(Value* value) {
  if (!value) return;
  if (value->initializer() && !value->graph().holder()) {
    unread_.push_back(value);
  } else if (live_.insert(value).second) {
    pending_.push_back(value);
  }
}

void Rewriter::forget(Value& value) {
  live_.erase(&value);
  taken_.erase(&value);
  former_names_.erase(&value);
  dead_in_bodies_.erase(&value);
}

void Rewriter::forget(const Node& node) {
  merged_.erase(&node);
  for (std::size_t i = 0; i < node.output_count(); ++i) forget(node.output(i));
  for (const Graph* body : node.bodies()) {
    for (Value* value : body->inputs()) forget(*value);
    for (Value* value : body->initializers()) forget(*value);
    for (const Node& inner : body->nodes()) forget(inner);
  }
}

void Rewriter::release_inputs(Node& node) {
  for (std::size_t i = 0; i < node.input_count(); ++i) lost_reader(node.input(i));
  for (Graph* body : node.bodies()) {
    for (Node& inner : body->nodes()) release_inputs(inner);
  }
}

void Rewriter::finish() {
  drop_taken_inputs();
  while (!pending_.empty()) {
    Value* value = pending_.back();
    pending_.pop_back();
    if (live_.erase(value) == 0 || !value->is_unused()) continue;
    if (value->initializer()) {
      dead_in_bodies_.insert(value);
    } else if (Node* node = value->producer(); node && node->is_onnx_domain() && is_unused(*node)) {
      erase(*node, std::string(kUnread));
    }
  }
  erase_dead_initializers();
}

void Rewriter::drop_taken_inputs() {
  std::erase_if(taken_in_order_, [&](const Value* value) { return !taken_.contains(value); });
  if (taken_in_order_.empty()) return;
  for (const auto& [graph, values] : by_graph(taken_in_order_)) graph->drop_inputs(values);
  const std::string first = taken_in_order_.front()->name();
  const std::size_t others = taken_in_order_.size() - 1;
  env_.diagnostics.note(
      codes::kOverridableInitializer,
      others == 0
          ? fmt::format("input '{}' has a default value; it was taken as a constant and is no longer "
                        "an input",
                        first)
          : fmt::format("input '{}' and {} more have default values; they were taken as constants and "
                        "are no longer inputs",
                        first, others),
      {model_.file});
}

void Rewriter::erase_dead_initializers() {
  std::unordered_set<Value*> dead;
  dead.reserve(unread_.size());
  std::unordered_set<Value*> inputs_too;
  for (Value* value : unread_) {
    // A default that no rewrite took stays, read or not: the caller may go on giving it.
    if (!value->is_unused() || (value->is_graph_input() && model_.ir_version >= 4)) continue;
    if (value->is_graph_input()) inputs_too.insert(value);
    dead.insert(value);
  }
  model_.graph->drop_inputs(inputs_too);
  model_.graph->erase_initializers(dead);
  for (const auto& [graph, values] : by_graph(dead_in_bodies_)) graph->erase_initializers(values);
}

}  // namespace qprep
