#include "report/cpu_reasons.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <unordered_map>

namespace qprep {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

/// The next mark that begins (ends) a quotation: an apostrophe has letters on both sides.
std::size_t opening(std::string_view text, std::size_t from) {
  const std::size_t at = text.find('\'', from);
  return at == text.npos || at == 0 || !is_word(text[at - 1]) ? at : opening(text, at + 1);
}
std::size_t closing(std::string_view text, std::size_t from) {
  const std::size_t at = text.find('\'', from);
  return at == text.npos || at + 1 == text.size() || !is_word(text[at + 1]) ? at : closing(text, at + 1);
}

/// The sentence with '...' for whatever stands between quotation marks.
std::string without_names(std::string_view sentence) {
  std::string text;
  for (std::size_t at = 0;;) {
    const std::size_t open = opening(sentence, at);
    const std::size_t close = open == sentence.npos ? open : closing(sentence, open + 1);
    if (close == sentence.npos) return text.append(sentence.substr(at));
    text.append(sentence.substr(at, open - at)).append("'...'");
    at = close + 1;
  }
}

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
    if (node.device != Device::kCpu) continue;
    const std::string general = without_names(node.device_because);
    const auto [known, is_new] = at.emplace(general, reasons.size());
    if (is_new) reasons.push_back({node.device_because, {}, {}, node.remedy});
    CpuReason& reason = reasons[known->second];
    if (reason.because != node.device_because) reason.because = general;
    if (reason.remedy != node.remedy) reason.remedy.clear();
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

}  // namespace qprep
