#include "report/open_sizes.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <unordered_set>
#include <vector>

#include "ir/open_axes.h"
#include "ir/walk.h"
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

/// "dims: {batch: SIZE}".
std::string dims_of(std::vector<std::string> axes) {
  const bool more = axes.size() > kMostAxes;
  if (more) axes.resize(kMostAxes);
  for (std::string& axis : axes) axis = as_key(axis) + ": SIZE";
  return fmt::format("dims: {{{}{}}}", join(axes, ", "), more ? ", ..." : "");
}

/// Nodes whose results follow from sizes of tensors and constants alone.
class OfSizes {
 public:
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

std::string sizes_remedy(const Graph& graph) {
  const std::vector<std::string> axes = open_axes(graph);
  if (axes.empty()) return "";
  return fmt::format(
      "a fixed size of what is open in the model's inputs would decide it: '{}' in the configuration, or "
      "'qprep check --dim {}=SIZE'",
      dims_of(axes), axes.front());
}

std::unordered_map<const Node*, std::string> remedies_of_sizes(const Graph& graph, const Plan& plan) {
  const std::vector<std::string> axes = open_axes(graph);
  if (axes.empty()) return {};
  const std::string remedy = fmt::format("fix the open sizes: '{}'", dims_of(axes));
  std::unordered_map<const Node*, std::string> all;
  const auto is_on_cpu = [&](const Node& node) {
    const NodePlan* decided = plan.of(node);
    return decided && decided->device == Device::kCpu && !decided->by_target && decided->remedy.empty();
  };
  OfSizes of_sizes;
  const std::vector<const Node*> nodes = nodes_with_bodies(graph);
  for (const Node* node : nodes) {
    bool open = of_sizes.add(*node);
    if (!is_on_cpu(*node)) continue;
    // Of data and sizes: where the latter are why the former stay float.
    for (const Value* input : node->inputs()) {
      open = open || (input && of_sizes.has(*input) &&
                      plan.of(*node)->device_because.text.starts_with(fmt::format("'{}'", input->name())));
    }
    if (open) all.emplace(node, remedy);
  }
  // What only moves elements to these.
  for (auto at = nodes.rbegin(); at != nodes.rend(); ++at) {
    const Node& node = **at;
    const bool moves = is_on_cpu(node) && plan.of(node)->passive && node.output_count() > 0;
    if (!moves || all.contains(&node) || node.output(0).is_unused() || node.output(0).is_graph_output())
      continue;
    if (std::ranges::all_of(node.output(0).uses(), [&](const Use& use) { return all.contains(use.node); })) {
      all.emplace(&node, remedy);
    }
  }
  return all;
}

}  // namespace qprep
