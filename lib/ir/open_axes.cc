#include "ir/open_axes.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

#include "support/text.h"

namespace qprep {
namespace {

constexpr std::size_t kMostAxes = 4;

/// As a key of a map in YAML.
bool is_plain(const std::string& axis) {
  const bool plain = std::ranges::all_of(
      axis, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-'; });
  return plain && !axis.empty() && std::isalpha(static_cast<unsigned char>(axis[0])) != 0;
}

}  // namespace

bool is_nameless(const Dim& dim) {
  return !dim.known() && (dim.symbol.empty() || dim.symbol == "?" || dim.symbol.starts_with("unk__"));
}

std::string axis_name(const Value& input, std::size_t axis) {
  const Dim& dim = input.type().shape->at(axis);
  return is_nameless(dim) ? fmt::format("{}[{}]", input.name(), axis) : dim.symbol;
}

std::vector<std::string> open_axes(const Graph& graph) {
  std::vector<std::string> axes;
  for (const Value* input : graph.inputs()) {
    if (input->initializer() || !input->type().shape) continue;
    const Shape& shape = *input->type().shape;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i].known()) continue;
      std::string axis = axis_name(*input, i);
      if (std::ranges::find(axes, axis) == axes.end()) axes.push_back(std::move(axis));
    }
  }
  return axes;
}

std::string dims_of(std::vector<std::string> axes) {
  const bool more = axes.size() > kMostAxes;
  if (more) axes.resize(kMostAxes);
  for (std::string& axis : axes) {
    axis = is_plain(axis) ? axis + ": SIZE" : fmt::format("\"{}\": SIZE", axis);
  }
  return fmt::format("dims: {{{}{}}}", join(axes, ", "), more ? ", ..." : "");
}

std::string dim_options_of(std::vector<std::string> axes) {
  const bool more = axes.size() > kMostAxes;
  if (more) axes.resize(kMostAxes);
  for (std::string& axis : axes) {
    axis = is_plain(axis) ? fmt::format("--dim {}=SIZE", axis) : fmt::format("--dim \"{}=SIZE\"", axis);
  }
  return join(axes, " ") + (more ? " ..." : "");
}

}  // namespace qprep
