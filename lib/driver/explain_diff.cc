#include "driver/explain_diff.h"

#include <fmt/format.h>
#include <map>

#include "driver/decided.h"
#include "driver/explained.h"
#include "report/table.h"

namespace qprep {
namespace {

using Key = std::pair<std::string, std::string>;  // node and slot
struct Held {
  std::string value, because;
};

/// What every slot holds. A name that stands twice is numbered.
std::vector<std::pair<Key, Held>> slots_of(const Decided& decided) {
  std::vector<std::pair<Key, Held>> slots;
  std::map<std::string, int> seen;
  for (const ExplainedNode& node : explain_all(decided)) {
    const int times = ++seen[node.name];
    const std::string name = times == 1 ? node.name : fmt::format("{} ({})", node.name, times);
    if (!node.device.empty()) slots.push_back({{name, "device"}, {node.device, node.because}});
    for (const ExplainedSlot& slot : node.slots) {
      const std::string besides = slot.besides.empty() ? "" : fmt::format(" ({})", slot.besides);
      slots.push_back({{name, slot.slot}, {slot.precision + besides, slot.because}});
    }
  }
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
