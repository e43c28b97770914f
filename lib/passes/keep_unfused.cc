#include "passes/keep_unfused.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "passes/qdq.h"

namespace qprep {
namespace {

/// Those whose kernels take one scale of what is computed; Conv's takes several where integers have a sign.
constexpr std::array<std::string_view, 12> kOneScale = {"Add",  "AveragePool",       "Concat",    "Conv",
                                                        "Gemm", "GlobalAveragePool", "LeakyRelu", "MatMul",
                                                        "Mul",  "Sigmoid",           "Softmax",   "Where"};

bool is_per_channel(const Node& node) {
  const std::optional<QdqParams> params = read_qdq(node);
  return params && !params->per_tensor();
}

/// A Relu or Clip goes where the integers end at its bounds.
const Node* computes(const Value& value) {
  const Node* node = value.producer();
  while (node && (node->is("Relu") || node->is("Clip"))) node = node->input(0)->producer();
  const auto is = [&](std::string_view op) { return node->is(op); };
  return node && std::ranges::any_of(kOneScale, is) ? node : nullptr;
}

bool is_of_constant(const Node& dequantize) {
  const Value& integers = *dequantize.input(0);
  const Node* quantize = integers.producer();
  if (quantize && is_quantize_linear(*quantize) && quantize->input(0))
    return constant_of(*quantize->input(0));
  return constant_of(integers);
}

/// A constant's scales for channels do no harm.
bool is_dequantised_by_channel(const Value& value) {
  const Node* source = value.producer();
  return source && is_dequantize_linear(*source) && source->input(0) && !is_of_constant(*source) &&
         is_per_channel(*source);
}

bool reads_channels(const Node& node) {
  return std::ranges::any_of(node.inputs(),
                             [](const Value* input) { return input && is_dequantised_by_channel(*input); });
}

/// Result: the node reads there a Sum of what it read.
void part(Node& node, std::size_t input) {
  Value& read = *node.input(input);
  Node& sum = node.graph().insert(
      &node,
      {.op = "Sum", .inputs = {&read}, .outputs = {read.name() + "_unfused"}, .name = read.name() + "_Sum"});
  sum.output(0).set_type(read.type());
  node.set_input(input, &sum.output(0));
}

void keep_unfused_in(Graph& graph) {
  for (auto at = graph.nodes().begin(); at != graph.nodes().end(); ++at) {
    Node& node = *at;
    for (Graph* body : node.bodies()) keep_unfused_in(*body);
    if (node.is("MatMul") || node.is("Gemm")) {
      for (std::size_t i = 0; i < 2; ++i) {
        if (node.input(i) && is_dequantised_by_channel(*node.input(i))) part(node, i);
      }
    }
    if (!is_quantize_linear(node) || !node.input(0)) continue;
    Value& made = *node.input(0);
    const Node* maker = computes(made);
    if (!maker || !(is_per_channel(node) || reads_channels(*maker))) continue;
    part(node, 0);
  }
}

}  // namespace

void keep_unfused(Model& model) { keep_unfused_in(*model.graph); }

}  // namespace qprep
