#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/table.h"

namespace qprep {

/// A text of lines and tables, put together from the top. Control characters in cells are escaped.
class Page {
 public:
  void line(std::string_view text);
  /// The table without a frame, and an empty line.
  void simple(Table table);
  /// The table in a frame, and an empty line.
  void psql(Table table);
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

/// 1234567 as "1,234,567"; the same in every locale.
std::string with_commas(std::uint64_t number);
/// "1 node", "1,234 nodes".
std::string counted(std::size_t count, std::string_view one, std::string_view many);

/// "a, b, c, d, and 7 more": the first few of the names.
std::string first_of(const std::vector<std::string>& names);

}  // namespace qprep
