#include "driver/results_to_compare.h"

#include <algorithm>
#include <unordered_set>

namespace qprep {
namespace {

std::vector<std::string> ends_of_quantised_part(const Graph& graph, const Report& report) {
  std::unordered_set<std::string> ends;
  for (const ReportBorder& border : report.region.borders) {
    if (border.begins) continue;
    for (const ReportBorder::Crossing& crossing : border.crossings) ends.insert(crossing.tensor);
  }
  std::vector<std::string> results;
  for (const Node& node : graph.nodes()) {
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      if (ends.contains(node.output(i).name())) results.push_back(node.output(i).name());
    }
  }
  return results;
}

std::vector<std::string> float_outputs(const Graph& graph, std::span<const StateLink> without) {
  std::vector<std::string> results;
  for (const Value* output : graph.outputs()) {
    const bool is_state = std::any_of(without.begin(), without.end(),
                                      [&](const StateLink& link) { return link.output == output->name(); });
    if (!is_state && output->producer() && output->type().dtype == DType::kFloat32)
      results.push_back(output->name());
  }
  return results;
}

}  // namespace

std::vector<std::string> results_to_compare(const Model& model, const Report& report,
                                            std::span<const StateLink> state) {
  if (!state.empty()) {
    std::vector<std::string> results = float_outputs(*model.graph, state);
    if (!results.empty()) return results;
  }
  std::vector<std::string> results = ends_of_quantised_part(*model.graph, report);
  return results.empty() ? float_outputs(*model.graph, {}) : results;
}

}  // namespace qprep
