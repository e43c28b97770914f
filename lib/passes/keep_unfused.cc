#include "passes/keep_unfused.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "passes/qdq.h"

namespace qprep {
namespace {

/// Those whose kernels take one scale; Conv's takes several where integers have a sign.
constexpr std::array<std::string_view, 6> kOneScale = {"Add",       "Mul", "AveragePool", "GlobalAveragePool",
                                                       "LeakyRelu", "Conv"};

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

bool reads_channels(const Node& node) {
  const std::size_t data = node.is("Conv") ? 1 : node.input_count();
  for (std::size_t i = 0; i < data; ++i) {
    const Node* source = node.input(i) ? node.input(i)->producer() : nullptr;
    if (source && is_dequantize_linear(*source) && is_per_channel(*source)) return true;
  }
  return false;
}

void keep_unfused_in(Graph& graph) {
  for (auto at = graph.nodes().begin(); at != graph.nodes().end(); ++at) {
    Node& node = *at;
    for (Graph* body : node.bodies()) keep_unfused_in(*body);
    if (!is_quantize_linear(node) || !node.input(0)) continue;
    Value& made = *node.input(0);
    const Node* maker = computes(made);
    if (!maker || !(is_per_channel(node) || reads_channels(*maker))) continue;
    Node& sum = graph.insert(&node, {.op = "Sum",
                                     .inputs = {&made},
                                     .outputs = {made.name() + "_unfused"},
                                     .name = made.name() + "_Sum"});
    sum.output(0).set_type(made.type());
    node.set_input(0, &sum.output(0));
  }
}

}  // namespace

void keep_unfused(Model& model) { keep_unfused_in(*model.graph); }

}  // namespace qprep
