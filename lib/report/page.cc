#include "report/page.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace qprep {
namespace {

/// How many names of a long list are shown.
constexpr std::size_t kNamed = 4;

void clean(Table& table) {
  for (std::vector<std::string>& row : table.rows) {
    for (std::string& cell : row) cell = cell_text(std::move(cell));
  }
}

}  // namespace

void Page::line(std::string_view text) {
  out_ += text;
  out_ += '\n';
}

void Page::simple(Table table) {
  clean(table);
  append_simple(out_, table);
  out_ += '\n';
}

void Page::psql(Table table) {
  clean(table);
  append_psql(out_, table);
  out_ += '\n';
}

std::string with_commas(std::uint64_t number) {
  std::string text = fmt::format("{}", number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", with_commas(count), count == 1 ? one : many);
}

std::string first_of(const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kNamed);
  std::string text =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  return names.size() > shown ? text + fmt::format(", and {} more", names.size() - shown) : text;
}

}  // namespace qprep
