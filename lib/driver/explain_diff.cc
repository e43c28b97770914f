#include "driver/explain_diff.h"

#include <fmt/format.h>
#include <map>

#include "driver/decided.h"
#include "driver/explained.h"
#include "report/table.h"
#include "support/text.h"

namespace qprep {
namespace {

using Key = std::pair<std::string, std::string>;  // node and slot
struct Held {
  std::string value, because;
};

/// Of the tensors that have the scale of another one, in graph order.
void append_shared_scales(const Decided& decided, std::vector<std::pair<Key, Held>>& slots) {
  const auto append = [&](const Value& value) {
    const auto shared = decided.plan.shared_scales.find(&value);
    if (shared == decided.plan.shared_scales.end() || shared->second == &value) return;
    slots.push_back({{value.name(), "scale"}, {fmt::format("that of '{}'", shared->second->name()), ""}});
  };
  const Graph& graph = *decided.file.model.graph;
  for (const Value* input : graph.inputs()) append(*input);
  for (const Node& node : graph.nodes()) {
    for (std::size_t i = 0; i < node.output_count(); ++i) append(node.output(i));
  }
}

/// What every slot holds, which nodes are one unit, and which tensors have one scale. A name that stands
/// twice is numbered.
std::vector<std::pair<Key, Held>> slots_of(const Decided& decided) {
  std::vector<std::pair<Key, Held>> slots;
  std::map<std::string, int> seen;
  for (const ExplainedNode& node : explain_all(decided)) {
    const int times = ++seen[node.name];
    const std::string name = times == 1 ? node.name : fmt::format("{} ({})", node.name, times);
    if (!node.device.empty()) slots.push_back({{name, "device"}, {node.device, node.because}});
    if (!node.unit.empty() && node.unit.front() == node.name)
      slots.push_back({{name, "unit"}, {fmt::format("{}: {}", node.pattern, join(node.unit, ", ")), ""}});
    for (const ExplainedSlot& slot : node.slots) {
      const std::string besides = slot.besides.empty() ? "" : fmt::format(" ({})", slot.besides);
      slots.push_back({{name, slot.slot}, {slot.precision + besides, slot.because}});
    }
  }
  append_shared_scales(decided, slots);
  return slots;
}

}  // namespace

std::vector<PlanDifference> explain_diff(const DiffOptions& options, Diagnostics& diagnostics) {
  const auto first = slots_of(decide(options.model, options.first, options.configs, diagnostics));
  const auto second = slots_of(decide(options.model, options.second, options.configs, diagnostics));
  const std::map<Key, Held> before(first.begin(), first.end());
  std::map<Key, Held> left = before;
  std::vector<PlanDifference> differences;
  for (const auto& [key, held] : second) {
    const auto at = left.find(key);
    const Held was = at == left.end() ? Held{"-", ""} : at->second;
    if (at != left.end()) left.erase(at);
    if (was.value == held.value) continue;
    differences.push_back({key.first, key.second, was.value, held.value, was.because, held.because});
  }
  for (const auto& [key, held] : first) {
    if (left.contains(key)) differences.push_back({key.first, key.second, held.value, "-", held.because, ""});
  }
  return differences;
}

std::string to_text(const std::vector<PlanDifference>& differences) {
  if (differences.empty()) return "Both configurations decide the same.\n";
  Table table{{"node", "slot", "first", "second", "first because", "second because"}, {}, {}};
  for (const PlanDifference& each : differences) {
    table.rows.push_back({cell_text(each.node), each.slot, each.first, each.second,
                          cell_text(each.first_because), cell_text(each.second_because)});
  }
  return to_simple(table);
}

nlohmann::ordered_json to_json(const std::vector<PlanDifference>& differences) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const PlanDifference& each : differences) {
    rows.push_back({{"node", each.node},
                    {"slot", each.slot},
                    {"first", each.first},
                    {"second", each.second},
                    {"first_because", each.first_because},
                    {"second_because", each.second_because}});
  }
  return rows;
}

}  // namespace qprep
