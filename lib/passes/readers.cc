#include "passes/readers.h"

#include <algorithm>
#include <fmt/format.h>

#include "passes/data_flow.h"

namespace qprep {

std::optional<std::string> other_readers(const Value& value, const std::vector<const Node*>& nodes) {
  const auto other = std::find_if(value.uses().begin(), value.uses().end(), [&](const Use& use) {
    return std::find(nodes.begin(), nodes.end(), use.node) == nodes.end();
  });
  if (other == value.uses().end() && !value.is_graph_output()) return std::nullopt;
  std::string sentence = fmt::format("the output of {}", name_of(*value.producer()));
  if (other != value.uses().end()) sentence += fmt::format(" is read by {} too", name_of(*other->node));
  if (value.is_graph_output()) {
    sentence +=
        other != value.uses().end() ? " and is an output of the graph" : " is an output of the graph too";
  }
  return sentence;
}

}  // namespace qprep
