#include "report/table.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>

namespace qprep {
namespace {

struct CodePoint {
  std::uint32_t number = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

/// The first character of a text that is not empty; one byte that is none if it is no UTF-8.
CodePoint first_code_point(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t length = lead >= 0xf0 && lead < 0xf8   ? 4
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                                                           : 0;
  if (length == 0 || length > text.size()) return {};
  std::uint32_t number = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return {};
    number = number << 6U | (byte(i) & 0x3fU);
  }
  constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = number >= 0xd800 && number < 0xe000;
  if (number < kSmallest[length] || number > 0x10ffff || surrogate) return {};
  return {number, length, true};
}

struct Block {
  std::uint32_t first, last;
};

bool in(std::uint32_t number, std::initializer_list<Block> blocks) {
  return std::any_of(blocks.begin(), blocks.end(),
                     [&](const Block& b) { return number >= b.first && number <= b.last; });
}

std::size_t width_of(std::uint32_t number) {
  if (in(number, {{0x300, 0x36f}, {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}}))
    return 0;
  const bool wide = in(number, {{0x1100, 0x115f},
                                {0x2e80, 0x303e},
                                {0x3041, 0xa4cf},
                                {0xac00, 0xd7a3},
                                {0xf900, 0xfaff},
                                {0xfe30, 0xfe6f},
                                {0xff00, 0xff60},
                                {0xffe0, 0xffe6},
                                {0x1f300, 0x1faff},
                                {0x20000, 0x3fffd}});
  return wide ? 2 : 1;
}

/// Printable ASCII: one column for each byte, and nothing to escape.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void append_padded(std::string& out, const std::string& text, std::size_t width, Table::Align align) {
  const std::size_t fill = width - std::min(width, display_width(text));
  if (align == Table::Align::kRight) out.append(fill, ' ');
  out += text;
  if (align == Table::Align::kLeft) out.append(fill, ' ');
}

Table::Align align_of(const Table& table, std::size_t column) {
  return column < table.align.size() ? table.align[column] : Table::Align::kLeft;
}

std::vector<std::size_t> widths_of(const Table& table) {
  std::vector<std::size_t> widths;
  for (const std::string& header : table.headers) widths.push_back(display_width(header));
  for (const std::vector<std::string>& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths.at(i) = std::max(widths.at(i), display_width(row[i]));
  }
  return widths;
}

void append_psql_row(std::string& out, const std::vector<std::string>& cells,
                     const std::vector<std::size_t>& widths, const Table& table) {
  out += '|';
  for (std::size_t i = 0; i < cells.size(); ++i) {
    out += ' ';
    append_padded(out, cells[i], widths[i], align_of(table, i));
    out += " |";
  }
  out += '\n';
}

std::string psql_rule(const std::vector<std::size_t>& widths, char end) {
  std::string line(1, end);
  for (std::size_t i = 0; i < widths.size(); ++i) {
    line += std::string(widths[i] + 2, '-');
    line += i + 1 < widths.size() ? '+' : end;
  }
  return line + "\n";
}

void append_simple_row(std::string& out, const std::vector<std::string>& cells,
                       const std::vector<std::size_t>& widths, const Table& table) {
  const std::size_t start = out.size();
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += "  ";
    append_padded(out, cells[i], widths[i], align_of(table, i));
  }
  while (out.size() > start && out.back() == ' ') out.pop_back();
  out += '\n';
}

}  // namespace

std::size_t display_width(std::string_view utf8) {
  if (is_plain(utf8)) return utf8.size();
  std::size_t width = 0;
  while (!utf8.empty()) {
    const CodePoint next = first_code_point(utf8);
    width += next.valid ? width_of(next.number) : 1;
    utf8.remove_prefix(next.bytes);
  }
  return width;
}

std::string cell_text(std::string cell) {
  if (is_plain(cell)) return cell;
  std::string_view text = cell;
  std::string result;
  while (!text.empty()) {
    const CodePoint next = first_code_point(text);
    const bool control = next.valid && (next.number < 0x20 || (next.number >= 0x7f && next.number < 0xa0));
    if (next.valid && !control) {
      result += text.substr(0, next.bytes);
    } else if (text.front() == '\n') {
      result += "\\n";
    } else if (text.front() == '\t') {
      result += "\\t";
    } else {
      for (const char byte : text.substr(0, next.bytes))
        result += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(byte));
    }
    text.remove_prefix(next.bytes);
  }
  return result;
}

void append_psql(std::string& out, const Table& table) {
  const std::vector<std::size_t> widths = widths_of(table);
  const std::string frame = psql_rule(widths, '+');
  out += frame;
  append_psql_row(out, table.headers, widths, table);
  out += psql_rule(widths, '|');
  for (const std::vector<std::string>& row : table.rows) append_psql_row(out, row, widths, table);
  out += frame;
}

std::string to_psql(const Table& table) {
  std::string text;
  append_psql(text, table);
  return text;
}

void append_simple(std::string& out, const Table& table) {
  const std::vector<std::size_t> widths = widths_of(table);
  std::vector<std::string> dashes;
  for (const std::size_t width : widths) dashes.emplace_back(width, '-');
  append_simple_row(out, table.headers, widths, table);
  append_simple_row(out, dashes, widths, table);
  for (const std::vector<std::string>& row : table.rows) append_simple_row(out, row, widths, table);
}

std::string to_simple(const Table& table) {
  std::string text;
  append_simple(text, table);
  return text;
}

}  // namespace qprep
