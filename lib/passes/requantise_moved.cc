#include "passes/requantise_moved.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "passes/qdq.h"

namespace qprep {
namespace {

constexpr std::int64_t kOutputDtypeOpset = 21;

bool is_moved_past(const Node& node) {
  constexpr std::array<std::string_view, 6> kOps = {"MaxPool", "Reshape",   "Slice",
                                                    "Squeeze", "Transpose", "Unsqueeze"};
  return std::ranges::any_of(kOps, [&](std::string_view op) { return node.is(op); }) && node.input(0);
}

/// The DequantizeLinear would move to the value's only reader, and that would go wrong.
bool would_fail(const Value& value, DType integers, std::int64_t opset) {
  const bool mistyped = integers == DType::kInt8 && opset >= kOutputDtypeOpset;
  if (value.uses().size() == 1 && !value.is_graph_output()) {
    const Node& reader = *value.uses().front().node;
    return !is_quantize_linear(reader) && (mistyped || &reader.graph() != &value.graph());
  }
  return mistyped && value.uses().empty() && value.is_graph_output();
}

/// Result: the value's readers, the graph's output among them, read it through a pair like `dequantize` that
/// stands before `next`.
void requantise(Value& value, const Node& dequantize, DType integers, Node* next) {
  Graph& graph = value.graph();
  const auto parameters = [&](Value& x) {
    std::vector<Value*> inputs = dequantize.inputs();
    inputs.front() = &x;
    return inputs;
  };
  const std::string name = value.name();
  Node& q = graph.insert(next, {.op = "QuantizeLinear",
                                .inputs = parameters(value),
                                .outputs = {name + "_quantized"},
                                .name = name + "_QuantizeLinear",
                                .domain = dequantize.domain()});
  q.output(0).set_type(Type::tensor(integers, value.type().shape));
  Node& dq = graph.insert(next, {.op = "DequantizeLinear",
                                 .inputs = parameters(q.output(0)),
                                 .outputs = {name + "_dequantized"},
                                 .name = name + "_DequantizeLinear",
                                 .domain = dequantize.domain()});
  dq.output(0).set_type(value.type());
  graph.replace_uses(value, dq.output(0));
  q.set_input(0, &value);
  if (!value.is_graph_output()) return;
  const auto outputs = graph.outputs();
  graph.redirect_output(static_cast<std::size_t>(std::ranges::find(outputs, &value) - outputs.begin()),
                        dq.output(0));
}

void requantise_in(Graph& graph, std::int64_t opset) {
  for (auto at = graph.nodes().begin(); at != graph.nodes().end(); ++at) {
    const Node& node = *at;
    for (Graph* body : node.bodies()) requantise_in(*body, opset);
    if (!is_moved_past(node)) continue;
    const Node* source = node.input(0)->producer();
    if (!source || !is_dequantize_linear(*source)) continue;
    const std::optional<QdqParams> params = read_qdq(*source);
    Value& value = node.output(0);
    if (params && params->per_tensor() && would_fail(value, params->dtype, opset)) {
      const auto next = std::next(at);
      requantise(value, *source, params->dtype, next == graph.nodes().end() ? nullptr : &*next);
    }
  }
}

}  // namespace

void requantise_moved(Model& model) { requantise_in(*model.graph, model.opset()); }

}  // namespace qprep
