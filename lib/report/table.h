#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qprep {

/// Cells of text, every row as long as `headers`.
struct Table {
  enum class Align { kLeft, kRight };

  std::vector<std::string> headers;
  std::vector<std::vector<std::string>> rows;
  std::vector<Align> align = {};  // of each column; missing ones are left
};

/// Columns that a terminal uses for UTF-8 text: wide East Asian characters take two, combining marks none,
/// bytes that are no UTF-8 one each. Control characters must be escaped before, see cell_text().
std::size_t display_width(std::string_view utf8);

/// The text with control characters (line breaks too) as \n, \t or \xNN, so that a name cannot break a table.
std::string cell_text(std::string cell);

/// Appends a framed table, as psql draws it: +--+, |--+|. Lines end with '\n'.
void append_psql(std::string& out, const Table& table);
std::string to_psql(const Table& table);

/// Appends headers, a line of dashes, rows; two spaces between columns, none at the ends of lines.
void append_simple(std::string& out, const Table& table);
std::string to_simple(const Table& table);

}  // namespace qprep
