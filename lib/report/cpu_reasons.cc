#include "report/cpu_reasons.h"

#include <algorithm>
#include <unordered_map>

#include "report/by_reason.h"
#include "support/without_names.h"
#include "target/open_limit.h"

namespace qprep {
namespace {

void count(std::vector<std::pair<std::string, std::size_t>>& ops, const std::string& op) {
  const auto known = std::find_if(ops.begin(), ops.end(), [&](const auto& each) { return each.first == op; });
  if (known == ops.end()) {
    ops.emplace_back(op, 1);
  } else {
    ++known->second;
  }
}

void add_once(std::vector<std::string>& all, std::string text) {
  if (std::ranges::find(all, text) == all.end()) all.push_back(std::move(text));
}

}  // namespace

std::vector<CpuReason> cpu_reasons(const Report& report) {
  std::vector<CpuReason> reasons;
  std::unordered_map<std::string, std::size_t> at;  // by the sentences without names
  for (const ReportNode& node : report.nodes) {
    if (node.device != Device::kCpu || node.op == "Constant") continue;
    const std::string general = without_names(node.device_because);
    const std::string remedy = without_names(node.remedy);
    const auto [known, is_new] = at.emplace(general + '\n' + remedy, reasons.size());
    if (is_new) reasons.push_back({node.device_because, {}, {}, node.remedy});
    CpuReason& reason = reasons[known->second];
    if (reason.because != node.device_because) reason.because = general;
    if (reason.remedy != node.remedy) reason.remedy = remedy;
    count(reason.ops, node.op);
    reason.nodes.push_back(node.name);
  }
  for (CpuReason& reason : reasons) {
    std::ranges::stable_sort(reason.ops, std::ranges::greater(), [](const auto& op) { return op.second; });
  }
  std::ranges::stable_sort(reasons, std::ranges::greater(),
                           [](const CpuReason& reason) { return reason.nodes.size(); });
  return reasons;
}

std::vector<UndecidedLimits> undecided_limits(const Report& report) {
  ByReason reasons;
  for (const ReportNode& node : report.nodes) {
    if (node.device == Device::kBpu && !node.undecided.empty()) reasons.add("", node.undecided, node.name);
  }
  std::vector<UndecidedLimits> limits;
  for (auto& [of, because, names] : reasons.rows()) limits.push_back({because, names});
  return limits;
}

std::vector<OpenOperator> open_operators(const Report& report) {
  std::unordered_map<std::string_view, std::string_view> composites;  // by their nodes
  for (const ReportGroup& unit : report.units) {
    if (unit.kind != ReportGroup::Kind::kComposite) continue;
    for (const std::string& node : unit.nodes) composites.emplace(node, unit.pattern);
  }
  std::vector<OpenOperator> all;
  for (const ReportNode& node : report.nodes) {
    if (node.device != Device::kBpu || node.undecided.empty()) continue;
    const auto composite = composites.find(node.name);
    const std::string_view op = composite == composites.end() ? node.op : composite->second;
    auto at = std::ranges::find(all, op, &OpenOperator::op);
    if (at == all.end()) at = all.insert(at, {std::string(op), {}, {}, {}});
    at->nodes.push_back(node.name);
    const std::vector<OpenLimit> limits = open_limits_in(node.undecided);
    if (limits.empty()) add_once(at->limits, without_names(node.undecided));
    for (const OpenLimit& limit : limits) {
      add_once(at->axes, limit.axis());
      add_once(at->limits, limit.rule);
    }
  }
  std::ranges::stable_sort(all, std::ranges::greater(),
                           [](const OpenOperator& each) { return each.nodes.size(); });
  return all;
}

}  // namespace qprep
