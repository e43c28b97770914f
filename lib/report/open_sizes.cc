#include "report/open_sizes.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <vector>

#include "ir/open_axes.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::size_t kMostAxes = 4;

/// As a key of a map in YAML.
std::string as_key(const std::string& axis) {
  const bool plain = std::ranges::all_of(
      axis, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-'; });
  const bool begins_with_letter = !axis.empty() && std::isalpha(static_cast<unsigned char>(axis[0])) != 0;
  return plain && begins_with_letter ? axis : fmt::format("\"{}\"", axis);
}

}  // namespace

std::string sizes_remedy(const Graph& graph) {
  std::vector<std::string> axes = open_axes(graph);
  if (axes.empty()) return "";
  const bool more = axes.size() > kMostAxes;
  const std::string first = axes.front();
  if (more) axes.resize(kMostAxes);
  for (std::string& axis : axes) axis = as_key(axis) + ": SIZE";
  return fmt::format(
      "a fixed size of what is open in the model's inputs would decide it: 'dims: {{{}{}}}' in the "
      "configuration, or 'qprep check --dim {}=SIZE'",
      join(axes, ", "), more ? ", ..." : "", first);
}

}  // namespace qprep
