#include "report/open_sizes.h"

#include <fmt/format.h>
#include <vector>

#include "ir/open_axes.h"

namespace qprep {

std::string sizes_remedy(const Graph& graph) {
  const std::vector<std::string> axes = open_axes(graph);
  if (axes.empty()) return "";
  return fmt::format(
      "a fixed size of what is open in the model's inputs would decide it: '{}' in the configuration, or "
      "'qprep check --dim {}=SIZE'",
      dims_of(axes), axes.front());
}

}  // namespace qprep
