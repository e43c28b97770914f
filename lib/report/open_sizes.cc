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
      "'qprep check {}'",
      dims_of(axes), dim_options_of(axes));
}

}  // namespace qprep
