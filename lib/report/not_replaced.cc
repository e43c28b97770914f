#include "report/not_replaced.h"

#include <algorithm>
#include <fmt/format.h>

#include "report/by_reason.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::size_t kMostAxes = 4;

/// The file, or inference, has no name for it.
bool is_nameless(const Dim& dim) {
  return dim.symbol.empty() || dim.symbol == "?" || dim.symbol.starts_with("unk__");
}

/// "'batch', axis 3 of 'x'": the axes of the inputs without a fixed size; empty: there are none.
std::string open_axes(const Graph& graph) {
  std::vector<std::string> axes;
  for (const Value* input : graph.inputs()) {
    if (input->initializer() || !input->type().shape) continue;
    const Shape& shape = *input->type().shape;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i].known()) continue;
      std::string axis = is_nameless(shape[i]) ? fmt::format("axis {} of '{}'", i, input->name())
                                               : fmt::format("'{}'", shape[i].symbol);
      if (std::find(axes.begin(), axes.end(), axis) == axes.end()) axes.push_back(std::move(axis));
    }
  }
  const std::size_t others = axes.size() - std::min(axes.size(), kMostAxes);
  axes.resize(axes.size() - others);
  return join(axes, ", ") + (others > 0 ? fmt::format(" and {} more", others) : "");
}

}  // namespace

std::vector<ReportNotReplaced> not_replaced(const Model& model) {
  const std::string axes = open_axes(*model.graph);
  ByReason reasons;
  for (const KeptNode& node : model.kept) {
    std::string because = node.because;
    if (node.lacks_sizes && !axes.empty()) {
      because +=
          fmt::format("; a fixed size of what is open in the model's inputs ({}) would decide it", axes);
    }
    reasons.add(node.replacement, because, node.label);
  }
  std::vector<ReportNotReplaced> rows;
  for (auto& [replacement, because, names] : reasons.rows()) rows.push_back({replacement, because, names});
  for (const std::string& each : model.idle_replacements) {
    rows.push_back({each, "it is for no node of the model", {}});
  }
  return rows;
}

}  // namespace qprep
