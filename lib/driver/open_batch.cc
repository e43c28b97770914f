#include "driver/open_batch.h"

#include <algorithm>
#include <fmt/format.h>

#include "ir/name_of.h"

namespace qprep {

std::optional<std::string> why_one_by_one(const Graph& graph, std::span<const Port> fed) {
  for (const Port& port : fed) {
    if (!port.type.shape) continue;
    if (port.type.shape->empty()) return fmt::format("the input '{}' is a scalar", port.name);
    if (const Dim& first = port.type.shape->front(); first.known() && first.size != 1) {
      return fmt::format(
          "the first axis of the input '{}' is not that of samples: the model fixes its size to {}",
          port.name, first.size);
    }
  }
  for (const Node& node : graph.nodes()) {
    if (!node.bodies().empty()) return fmt::format("the {} would decide for all of them", name_of(node));
  }
  return std::nullopt;
}

OpenBatch::OpenBatch(Graph& graph, std::span<const Port> fed) {
  const auto is_fed = [&](const Value& input) {
    return std::any_of(fed.begin(), fed.end(), [&](const Port& port) { return port.name == input.name(); });
  };
  for (Value* input : graph.inputs()) {
    if (!is_fed(*input) || !input->type().shape) continue;
    Type type = input->type();
    type.shape->front() = {};
    change(*input, std::move(type));
  }
  for (Node& node : graph.nodes()) {
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      Type type = node.output(i).type();
      type.shape.reset();
      change(node.output(i), std::move(type));
    }
  }
}

OpenBatch::~OpenBatch() {
  for (auto& [value, type] : types_) value->set_type(std::move(type));
}

void OpenBatch::change(Value& value, Type type) {
  types_.emplace_back(&value, value.type());
  value.set_type(std::move(type));
}

}  // namespace qprep
