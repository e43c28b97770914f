#include "driver/confirm_remedies.h"

#include <algorithm>
#include <unordered_set>

#include "ir/open_axes.h"
#include "ir/walk.h"
#include "passes/size_remedies.h"

namespace qprep {
namespace {

constexpr std::int64_t kOfFirstAxes = 1, kOfOthers = 64;

/// The open axes of the model's inputs, each with a size.
std::vector<Placed<OpenSize>> trial_sizes(const Graph& graph) {
  std::unordered_set<std::string> first;
  for (const Value* input : graph.inputs()) {
    if (input->initializer() || !input->type().shape || input->type().shape->empty()) continue;
    if (const Dim& dim = input->type().shape->front(); !dim.known()) first.insert(axis_name(*input, 0));
  }
  std::vector<Placed<OpenSize>> sizes;
  for (const std::string& axis : open_axes(graph)) {
    sizes.push_back({{axis, first.contains(axis) ? kOfFirstAxes : kOfOthers}, {}});
  }
  return sizes;
}

std::unordered_set<std::string> labels_on_cpu(const Decided& decided) {
  std::unordered_set<std::string> labels;
  for (const Node* node : nodes_with_bodies(*decided.file.model.graph)) {
    if (decided.plan.of(*node)->device == Device::kCpu) labels.insert(node->label());
  }
  return labels;
}

}  // namespace

void confirm_size_remedies(const std::filesystem::path& file, const std::string& config,
                           const std::filesystem::path& configs, const Overrides& overrides,
                           const Model& model, Plan& plan) {
  const std::string remedy = size_remedy(*model.graph);
  if (remedy.empty()) return;
  std::vector<const Node*> told;
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    const NodePlan* entry = plan.of(*node);
    if (entry && entry->remedy == remedy) told.push_back(node);
  }
  if (told.empty()) return;
  const auto take_back = [&](const Node* node) { plan.nodes[node].remedy.clear(); };
  Overrides with_sizes = overrides;
  with_sizes.dims_may_miss = true;
  for (Placed<OpenSize>& size : trial_sizes(*model.graph)) with_sizes.dims.push_back(std::move(size));
  Diagnostics unsaid;
  try {
    const auto on_cpu = labels_on_cpu(decide(file, config, configs, unsaid, with_sizes));
    std::erase_if(told, [&](const Node* node) { return !on_cpu.contains(node->label()); });
  } catch (const Fatal&) {
    // No remedy that nobody has seen to help.
  }
  std::ranges::for_each(told, take_back);
}

}  // namespace qprep
