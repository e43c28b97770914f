#include "report/cpu_reasons.h"

#include <algorithm>
#include <unordered_map>

#include "report/by_reason.h"
#include "report/without_names.h"

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

}  // namespace

std::vector<CpuReason> cpu_reasons(const Report& report) {
  std::vector<CpuReason> reasons;
  std::unordered_map<std::string, std::size_t> at;  // by the sentence without names
  for (const ReportNode& node : report.nodes) {
    if (node.device != Device::kCpu || node.op == "Constant") continue;
    const std::string general = without_names(node.device_because);
    const auto [known, is_new] = at.emplace(general, reasons.size());
    if (is_new) reasons.push_back({node.device_because, {}, {}, node.remedy});
    CpuReason& reason = reasons[known->second];
    if (reason.because != node.device_because) reason.because = general;
    if (reason.remedy != node.remedy) {
      const std::string remedy = without_names(node.remedy);
      reason.remedy = without_names(reason.remedy) == remedy ? remedy : "";
    }
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

}  // namespace qprep
