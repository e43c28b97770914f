#include "passes/size_remedies.h"

#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <unordered_set>

#include "ir/open_axes.h"

namespace qprep {
namespace {

/// What follows from sizes of tensors and constants alone.
class OfSizes {
 public:
  /// Given: all that it reads was added. Result: has() of its results.
  bool add(const Node& node) {
    bool any = node.is("Shape") || node.is("Size");
    if (!any) {
      for (const Value* input : node.inputs()) {
        if (!input || constant_of(*input)) continue;
        if (!has(*input)) return false;
        any = true;
      }
    }
    if (any && node.bodies().empty()) nodes_.insert(&node);
    return any;
  }

  bool has(const Value& value) const { return value.producer() && nodes_.contains(value.producer()); }

 private:
  std::unordered_set<const Node*> nodes_;
};

}  // namespace

bool follows_from_sizes(const Entry& entry, const DataFlow& flow) {
  const ValueFlow& entering = flow.of(entry.value());
  return !entering.runtime && !is_constant(*entering.root) && flow.objection(*entry.node, entry.input);
}

bool reads_open_sizes(const Unit& unit, const DataFlow& flow) {
  if (!flow.of(unit.nodes.back()->output(0)).runtime) return false;
  return std::ranges::any_of(entries_of(unit, flow),
                             [&](const Entry& entry) { return follows_from_sizes(entry, flow); });
}

bool waits_for_sizes(const Unit& unit, const DataFlow& flow) {
  const auto is_in_unit = [&](const KeptNode& kept) {
    return kept.lacks_sizes && std::ranges::find(unit.nodes, kept.label, &Node::label) != unit.nodes.end();
  };
  return std::ranges::any_of(flow.model().kept, is_in_unit);
}

std::string size_remedy(const Graph& graph) {
  const std::vector<std::string> axes = open_axes(graph);
  return axes.empty() ? "" : fmt::format("fix the open sizes: '{}'", dims_of(axes));
}

void add_size_remedies(const Graph& graph, const DataFlow& flow, Plan& plan) {
  const std::string remedy = size_remedy(graph);
  if (remedy.empty()) return;
  const auto on_cpu = [&](const Node& node) -> NodePlan* {
    NodePlan& entry = plan.nodes[&node];
    return entry.device == Device::kCpu && !entry.by_target && entry.remedy.empty() ? &entry : nullptr;
  };
  std::unordered_set<const Node*> remedied;
  const auto give = [&](const Node& node, NodePlan& entry) {
    entry.remedy = remedy;
    remedied.insert(&node);
  };
  OfSizes of_sizes;
  for (const Node* node : flow.nodes()) {
    bool open = of_sizes.add(*node);
    NodePlan* entry = on_cpu(*node);
    if (!entry) continue;
    // Of data and sizes: where the latter are why the former stay float.
    for (const Value* input : node->inputs()) {
      open = open || (input && of_sizes.has(*input) &&
                      entry->device_because.text.starts_with(fmt::format("'{}'", input->name())));
    }
    if (open) give(*node, *entry);
  }
  // What only moves elements to these.
  for (auto at = flow.nodes().rbegin(); at != flow.nodes().rend(); ++at) {
    const Node& node = **at;
    NodePlan* entry = on_cpu(node);
    if (!entry || !entry->passive || node.output_count() == 0 || remedied.contains(&node)) continue;
    const Value& moved = node.output(0);
    if (moved.is_unused() || moved.is_graph_output()) continue;
    const bool leads_there =
        std::ranges::all_of(moved.uses(), [&](const Use& use) { return remedied.contains(use.node); });
    if (leads_there) give(node, *entry);
  }
}

}  // namespace qprep
