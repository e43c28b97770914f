#include "passes/kept_batch_norms.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <unordered_set>

#include "passes/rewriter.h"
#include "quant/fake_quant.h"

namespace qprep {
namespace {

using Stood = KeptBatchNorm::Stood;

/// The constant's numbers are `tensor` from now on.
void set_constant(Value& constant, Tensor tensor) {
  if (constant.initializer()) return constant.graph().set_initializer(constant, std::move(tensor));
  constant.producer()->set_attribute("value", std::move(tensor));
}

/// The only node that reads the value; null: several do, or an output of the graph takes it.
Node* only_reader(const Value& value) { return value.has_single_use() ? value.uses()[0].node : nullptr; }

void release(const Value& value) { value.graph().names().values.release(value.name()); }

void erase(Node& node) {
  node.graph().names().nodes.release(node.name());
  for (std::size_t i = 0; i < node.output_count(); ++i) release(node.output(i));
  node.graph().erase(node);
}

/// How a factor for each output channel is shaped to be multiplied with the weight: Reshape to the first,
/// Expand to the second, Reshape to the third; empty: not at all.
struct FactorShape {
  Dims first = {}, expanded = {}, last = {};
};

FactorShape factor_shape(const Node& layer, const Dims& weight) {
  if (layer.is("MatMul") || (layer.is("Gemm") && layer.int_or("transB", 0) == 0)) return {};
  Dims spread(weight.size(), 1);
  if (!layer.is("ConvTranspose")) {
    spread[0] = weight[0];
    return {spread};
  }
  const std::int64_t groups = layer.int_or("group", 1);
  spread[1] = weight[1];
  if (groups == 1) return {spread};
  spread[0] = weight[0];
  if (groups == weight[0]) return {spread};
  return {{groups, 1, weight[1]}, {groups, weight[0] / groups, weight[1]}, spread};
}

class PuttingIn {
 public:
  explicit PuttingIn(Model& model) : model_(model) {}

  BatchNormsPutIn run() {
    if (model_.kept_batch_norms.empty()) return {};
    for_each_graph(model_, [this](Graph& graph) { remember_names(graph); });
    for_each_graph(model_, [this](Graph& graph) { put_into(graph); });
    return std::move(all_);
  }

 private:
  void remember_names(const Graph& graph) {
    for (const Value* input : graph.inputs()) names_.insert(input->name());
    for (const Value* initializer : graph.initializers()) names_.insert(initializer->name());
    for (const Node& node : graph.nodes()) {
      for (std::size_t i = 0; i < node.output_count(); ++i) names_.insert(node.output(i).name());
    }
  }

  void put_into(Graph& graph) {
    std::vector<std::string> names;
    for (const Value* initializer : graph.initializers()) names.push_back(initializer->name());
    all_.order.emplace_back(&graph, std::move(names));
    parameters_.clear();
    for (auto at = graph.nodes().begin(); at != graph.nodes().end(); ++at) {
      const auto kept = model_.kept_batch_norms.find(&*at);
      if (kept != model_.kept_batch_norms.end()) put_behind(at, kept->second);
    }
  }

  /// The node whose result is the batch norm's in the folded model; null: rewrites changed that since.
  static Node* last_node(Node& layer, const KeptBatchNorm& kept) {
    if (kept.stood == Stood::kBehindLayer) return &layer;
    Node* add = only_reader(layer.output(0));
    const std::size_t inputs = 2;
    return add && add->is("Add") && add->input_count() == inputs ? add : nullptr;
  }

  void put_behind(std::list<Node>::iterator at, const KeptBatchNorm& kept) {
    Node& layer = *at;
    Node* last = last_node(layer, kept);
    Value* weight = layer.input(1);
    Node* quantiser = weight ? weight->producer() : nullptr;
    if (!last || !weight || only_reader(*weight) != &layer) return;
    if (quantiser && is_fake_quantize(*quantiser)) {
      weight = quantiser->input(0);
      if (only_reader(*weight) != quantiser) return;
    } else {
      quantiser = nullptr;
    }
    if (!constant_of(*weight) || constant_of(*weight)->dims() != kept.weight.dims()) return;

    BatchNormPutIn put_in;
    put_in.layer = &layer;
    put_in.quantiser = quantiser;
    put_in.weight = weight;
    put_in.folded_weight = *constant_of(*weight);
    set_constant(*weight, kept.weight);
    change(layer, 2, kept.bias, put_in);
    Node& first = quantiser ? *quantiser : layer;
    const std::vector<Value*> parameters = parameters_of(first, kept, put_in);
    if (quantiser) put_factor(kept, parameters, put_in);
    if (kept.stood == Stood::kAsAdd) {
      become_norm(*last, kept, parameters, put_in);
    } else {
      if (kept.constant) {
        const std::size_t constant = constant_of(*last->input(0)) ? 0 : 1;
        change(*last, constant, kept.constant, put_in);
      }
      while (&*at != last) ++at;
      ++at;
      Node* before = at == layer.graph().nodes().end() ? nullptr : &*at;
      insert_norm(before, last->output(0), kept, parameters, put_in);
    }
    all_.norms.push_back(std::move(put_in));
  }

  /// Result: input i is the constant that it was before, or is omitted.
  void change(Node& node, std::size_t i, const std::optional<Tensor>& before, BatchNormPutIn& put_in) {
    Value* value = node.input(i);
    if (!value) return;
    BatchNormPutIn::Constant constant{&node, i, value, value->name(), *constant_of(*value)};
    if (before) {
      set_constant(*value, *before);
    } else {
      node.truncate_inputs(i);
      remove(*value);
      constant.value = nullptr;
    }
    put_in.constants.push_back(std::move(constant));
  }

  static void remove(Value& constant) {
    if (constant.producer()) return erase(*constant.producer());
    release(constant);
    constant.graph().erase_initializers({&constant});
  }

  Value& new_constant(Node& before, const std::string& wanted, const Tensor& tensor, BatchNormPutIn& put_in) {
    Graph& graph = before.graph();
    if (model_.ir_version >= 4) {
      all_.new_initializers.push_back(&graph.new_initializer(wanted, tensor));
      return *all_.new_initializers.back();
    }
    Node& constant = graph.insert(&before, {.op = "Constant", .outputs = {wanted}});
    constant.set_attribute("value", tensor);
    put_in.factor.push_back(&constant);
    return constant.output(0);
  }

  /// What two batch norms share they share again.
  std::vector<Value*> parameters_of(Node& before, const KeptBatchNorm& kept, BatchNormPutIn& put_in) {
    std::vector<Value*> values;
    for (const auto& [name, tensor] : kept.parameters) {
      Value*& value = parameters_[name];
      // What was folded is gone, and its name is free again.
      if (!value && !names_.contains(name)) before.graph().names().values.release(name);
      if (!value) value = &new_constant(before, name, tensor, put_in);
      values.push_back(value);
    }
    return values;
  }

  Value& insert(Node& before, const std::string& op, std::vector<Value*> inputs, const std::string& wanted,
                const Type& type, BatchNormPutIn& put_in) {
    Node& node = before.graph().insert(&before, {.op = op, .inputs = std::move(inputs), .outputs = {wanted}});
    node.output(0).set_type(type);
    put_in.factor.push_back(&node);
    return node.output(0);
  }

  /// Result: the FakeQuantize reads weight * factor, and the layer what it makes / factor.
  void put_factor(const KeptBatchNorm& kept, const std::vector<Value*>& parameters, BatchNormPutIn& put_in) {
    Node& quantiser = *put_in.quantiser;
    const std::string& name = kept.name;
    const Type vector = parameters.front()->type();
    const auto add = [&](const std::string& op, std::vector<Value*> inputs, const char* what) -> Value& {
      return insert(quantiser, op, std::move(inputs), fmt::format("{}_{}", name, what), vector, put_in);
    };
    Value& epsilon = new_constant(quantiser, name + "_epsilon", Tensor::floats({1}, {kept.epsilon}), put_in);
    Value& raised = add("Add", {parameters[3], &epsilon}, "variance");
    Value& deviation = add("Sqrt", {&raised}, "deviation");
    Value* factor = &add("Div", {parameters[0], &deviation}, "factor");
    const FactorShape shape = factor_shape(*put_in.layer, kept.weight.dims());
    factor = &shaped(*factor, "Reshape", shape.first, name, put_in);
    factor = &shaped(*factor, "Expand", shape.expanded, name, put_in);
    factor = &shaped(*factor, "Reshape", shape.last, name, put_in);

    const Type type = put_in.weight->type();
    const std::string& weight = put_in.weight->name();
    Value& product =
        insert(quantiser, "Mul", {put_in.weight, factor}, weight + "_times_factor", type, put_in);
    quantiser.set_input(0, &product);
    Value& again =
        insert(*put_in.layer, "Div", {&quantiser.output(0), factor}, weight + "_of_layer", type, put_in);
    put_in.layer->set_input(1, &again);
  }

  Value& shaped(Value& factor, const std::string& op, const Dims& dims, const std::string& name,
                BatchNormPutIn& put_in) {
    if (dims.empty()) return factor;
    Node& before = *put_in.quantiser;
    const auto rank = static_cast<std::int64_t>(dims.size());
    Value& shape = new_constant(before, name + "_factor_shape",
                                Tensor::of<std::int64_t>(DType::kInt64, {rank}, dims), put_in);
    Shape known;
    for (const std::int64_t size : dims) known.push_back({size, ""});
    return insert(before, op, {&factor, &shape}, name + "_factor_shaped",
                  Type::tensor(DType::kFloat32, std::move(known)), put_in);
  }

  void set_attributes(Node& norm, const KeptBatchNorm& kept) const {
    constexpr std::int64_t kInferenceByDefault = 7;
    norm.set_attribute("epsilon", kept.epsilon);
    if (kept.momentum) norm.set_attribute("momentum", *kept.momentum);
    if (model_.opset() < kInferenceByDefault) norm.set_attribute("is_test", std::int64_t{1});
  }

  void insert_norm(Node* before, Value& x, const KeptBatchNorm& kept, const std::vector<Value*>& parameters,
                   BatchNormPutIn& put_in) {
    Graph& graph = x.graph();
    put_in.result = x.name();
    const std::vector<Use> uses(x.uses().begin(), x.uses().end());
    std::vector<Value*> inputs = {&x};
    inputs.insert(inputs.end(), parameters.begin(), parameters.end());
    Node& norm = graph.insert(
        before, {.op = "BatchNormalization", .inputs = std::move(inputs), .outputs = {kept.name}});
    graph.names().nodes.release(norm.name());
    norm.set_name(kept.name);
    norm.set_label(kept.name);
    set_attributes(norm, kept);
    put_in.norm = &norm;
    Value& y = norm.output(0);
    y.set_type(x.type());
    for (const Use& use : uses) use.node->set_input(use.input, &y);
    if (x.is_graph_output()) {
      const auto outputs = graph.outputs();
      release(y);
      return graph.redirect_output(
          static_cast<std::size_t>(std::find(outputs.begin(), outputs.end(), &x) - outputs.begin()), y);
    }
    release(y);
    graph.rename(x, put_in.result + "_of_layer");
    graph.set_name(y, put_in.result);
  }

  /// The Add of the shift is the batch norm again that it was.
  void become_norm(Node& add, const KeptBatchNorm& kept, const std::vector<Value*>& parameters,
                   BatchNormPutIn& put_in) const {
    put_in.norm = &add;
    put_in.was_add = true;
    Value& shift = *add.input(1);
    put_in.constants.push_back({&add, 1, nullptr, shift.name(), *constant_of(shift)});
    add.truncate_inputs(1);
    remove(shift);
    add.erase_attribute("broadcast");
    add.set_op("BatchNormalization");
    for (Value* parameter : parameters) add.set_input(add.input_count(), parameter);
    set_attributes(add, kept);
  }

  Model& model_;
  BatchNormsPutIn all_;
  std::unordered_set<std::string> names_;     // of all values, before
  std::map<std::string, Value*> parameters_;  // of the graph, by the names that they had
};

void put_back(const BatchNormPutIn::Constant& constant, Model& model) {
  if (constant.value) return set_constant(*constant.value, constant.folded);
  Graph& graph = constant.node->graph();
  Value* value = nullptr;
  if (model.ir_version >= 4) {
    value = &graph.add_initializer(constant.name, constant.folded);
  } else {
    Node& node = graph.insert(constant.node, {.op = "Constant", .outputs = {constant.name}});
    node.set_attribute("value", constant.folded);
    value = &node.output(0);
  }
  constant.node->set_input(constant.input, value);
}

void become_add(Node& norm, std::int64_t opset) {
  constexpr std::int64_t kBroadcastsByItself = 7;
  norm.truncate_inputs(1);
  for (const char* attribute : {"epsilon", "momentum", "is_test"}) norm.erase_attribute(attribute);
  norm.set_op("Add");
  if (opset < kBroadcastsByItself) norm.set_attribute("broadcast", std::int64_t{1});
}

void remove_norm(Node& norm, const std::string& result) {
  Graph& graph = norm.graph();
  Value& x = *norm.input(0);
  Value& y = norm.output(0);
  graph.replace_uses(y, x);
  if (y.is_graph_output()) {
    const auto outputs = graph.outputs();
    release(x);
    graph.redirect_output(
        static_cast<std::size_t>(std::find(outputs.begin(), outputs.end(), &y) - outputs.begin()), x);
    release(y);
  } else {
    release(x);
    graph.set_name(x, result);
    // The name is x's now, and stays taken.
  }
  graph.erase(norm);
}

}  // namespace

BatchNormsPutIn put_in_batch_norms(Model& model) { return PuttingIn(model).run(); }

void take_out_batch_norms(Model& model, const BatchNormsPutIn& put_in) {
  for (auto each = put_in.norms.rbegin(); each != put_in.norms.rend(); ++each) {
    if (each->was_add) {
      become_add(*each->norm, model.opset());
    } else {
      remove_norm(*each->norm, each->result);
    }
    if (each->quantiser) {
      each->layer->set_input(1, &each->quantiser->output(0));
      each->quantiser->set_input(0, each->weight);
    }
    for (auto node = each->factor.rbegin(); node != each->factor.rend(); ++node) {
      if ((*node)->output(0).is_unused()) erase(**node);
    }
    set_constant(*each->weight, each->folded_weight);
    for (const BatchNormPutIn::Constant& constant : each->constants) put_back(constant, model);
  }
  std::map<Graph*, std::unordered_set<Value*>> new_ones;
  for (Value* value : put_in.new_initializers) {
    release(*value);
    new_ones[&value->graph()].insert(value);
  }
  for (const auto& [graph, values] : new_ones) graph->erase_initializers(values);
  for (const auto& [graph, names] : put_in.order) graph->order_initializers(names);
}

namespace {

/// The value that a node of this operator made from `count` inputs; null: none did.
const Node* made_by(const Value* value, std::string_view op) {
  const Node* node = value ? value->producer() : nullptr;
  return node && node->is(op) ? node : nullptr;
}

/// scale / sqrt(variance + epsilon) of this batch norm, in whatever shape.
bool is_factor_of(const Node& norm, const Value* value) {
  for (const Node* node = value ? value->producer() : nullptr;
       node && (node->is("Reshape") || node->is("Expand")); node = value ? value->producer() : nullptr) {
    value = node->input(0);
  }
  const Node* quotient = made_by(value, "Div");
  const Node* root = quotient ? made_by(quotient->input(1), "Sqrt") : nullptr;
  const Node* sum = root ? made_by(root->input(0), "Add") : nullptr;
  if (!sum || quotient->input(0) != norm.input(1) || sum->input(0) != norm.input(4)) return false;
  const Tensor* epsilon = sum->input(1) ? constant_of(*sum->input(1)) : nullptr;
  return epsilon && epsilon->dtype() == DType::kFloat32 && epsilon->size() == 1 &&
         epsilon->at<float>(0) == norm.float_or("epsilon", 1e-5F);
}

}  // namespace

std::optional<WrittenBatchNorm> written_batch_norm(Node& norm) {
  Value* x = norm.input(0);
  Node* layer = x ? x->producer() : nullptr;
  if (layer && layer->is("Add") && layer->input(0)) layer = layer->input(0)->producer();
  const Value* read = layer ? layer->input(1) : nullptr;
  const Node* again = made_by(read, "Div");
  if (!again || !again->input(0)) return std::nullopt;
  WrittenBatchNorm written;
  written.layer = layer;
  written.quantiser = again->input(0)->producer();
  if (!written.quantiser || !is_fake_quantize(*written.quantiser)) return std::nullopt;
  Value* product = written.quantiser->input(0);
  written.product = product ? product->producer() : nullptr;
  if (!written.product || !written.product->is("Mul")) return std::nullopt;
  written.weight = written.product->input(0);
  const bool same_factor = written.product->input(1) == again->input(1);
  if (!written.weight || !constant_of(*written.weight) || !same_factor) return std::nullopt;
  if (!is_factor_of(norm, again->input(1))) return std::nullopt;
  return written;
}

}  // namespace qprep
