#include "ir/open_axes.h"

#include <algorithm>
#include <fmt/format.h>

namespace qprep {

bool is_nameless(const Dim& dim) {
  return !dim.known() && (dim.symbol.empty() || dim.symbol == "?" || dim.symbol.starts_with("unk__"));
}

std::vector<std::string> open_axes(const Graph& graph) {
  std::vector<std::string> axes;
  for (const Value* input : graph.inputs()) {
    if (input->initializer() || !input->type().shape) continue;
    const Shape& shape = *input->type().shape;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i].known()) continue;
      std::string axis = is_nameless(shape[i]) ? fmt::format("{}[{}]", input->name(), i) : shape[i].symbol;
      if (std::ranges::find(axes, axis) == axes.end()) axes.push_back(std::move(axis));
    }
  }
  return axes;
}

}  // namespace qprep
