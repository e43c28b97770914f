#include "report/by_reason.h"

#include <algorithm>
#include <functional>

#include "support/without_names.h"

namespace qprep {

void ByReason::add(const std::string& of, const std::string& because, const std::string& name) {
  std::string general = without_names(because);
  const auto [known, is_new] = at_.emplace(std::pair(of, general), rows_.size());
  if (is_new) rows_.push_back({of, because, {}});
  Row& row = rows_[known->second];
  if (row.because != because) row.because = std::move(general);
  row.names.push_back(name);
}

std::vector<ByReason::Row> ByReason::rows() const {
  std::vector<Row> rows = rows_;
  std::ranges::stable_sort(rows, std::ranges::greater(), [](const Row& row) { return row.names.size(); });
  return rows;
}

}  // namespace qprep
