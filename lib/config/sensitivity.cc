#include "config/sensitivity.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <string_view>

#include "config/quote.h"
#include "support/codes.h"

namespace qprep {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// The first of these that the line has separates its columns.
std::string_view separator_of(std::string_view line) {
  for (const std::string_view separator : {"\t", "|", ",", "  "}) {
    if (line.find(separator) != std::string_view::npos) return separator;
  }
  return "  ";
}

std::vector<std::string> columns_of(std::string_view line) {
  line = trimmed(line);
  const std::string_view separator = separator_of(line);
  if (separator == "|" && line.front() == '|') line.remove_prefix(1);
  std::vector<std::string> columns;
  for (;;) {
    const std::size_t end = line.find(separator);
    columns.emplace_back(trimmed(line.substr(0, end)));
    if (end == std::string_view::npos) return columns;
    line.remove_prefix(end + separator.size());
    if (separator == "  ") line = trimmed(line);
  }
}

bool is_rule(std::string_view line) { return line.find_first_not_of("-+=|: \t\r") == std::string_view::npos; }

bool is_header(const std::vector<std::string>& columns) {
  return columns.size() > 1 && (columns[1] == "sensitive_type" || columns[1] == "type");
}

}  // namespace

std::vector<SensitivityRow> read_sensitivity_table(const std::filesystem::path& file, const Where& named_at,
                                                   Diagnostics& diagnostics) {
  std::ifstream stream(file);
  if (!stream || std::filesystem::is_directory(file)) {
    diagnostics.error(codes::kFileAccess,
                      fmt::format("the sensitivity table {} cannot be read", quote(file.string())), named_at);
    return {};
  }
  std::vector<SensitivityRow> rows;
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    const Where where{file.string(), ++number, 0};
    if (is_rule(line)) continue;
    const std::vector<std::string> columns = columns_of(line);
    if (is_header(columns)) continue;
    if (columns.size() < 4) {
      diagnostics.error(
          codes::kBadValue,
          fmt::format("a row has the columns op, type, operator type and metric, this one has {}",
                      columns.size()),
          where);
    } else if (columns[1] != "activation" && columns[1] != "weight") {
      diagnostics.error(codes::kBadValue,
                        fmt::format("the type of a row is activation or weight, not {}", quote(columns[1])),
                        where);
    } else {
      rows.push_back({columns[0], columns[1], columns.size() > 4 ? columns[4] : "", where});
    }
  }
  if (rows.empty()) diagnostics.error(codes::kBadValue, "the sensitivity table has no rows", {file.string()});
  return rows;
}

}  // namespace qprep
