#include "report/not_replaced.h"

#include "report/by_reason.h"
#include "report/open_sizes.h"

namespace qprep {

std::vector<ReportNotReplaced> not_replaced(const Model& model) {
  const std::string remedy = sizes_remedy(*model.graph);
  ByReason reasons;
  for (const KeptNode& node : model.kept) {
    std::string because = node.because;
    if (node.lacks_sizes && !remedy.empty()) because += "; " + remedy;
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
