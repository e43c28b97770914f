#include "config/sensitivity.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <optional>
#include <string_view>
#include <utility>

#include "config/quote.h"
#include "plan/plan.h"
#include "support/codes.h"
#include "support/mapped_file.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::size_t kLargestFile = std::size_t{64} << 20;
constexpr std::size_t kFewestColumns = 4;  // op, type, operator type, metric
constexpr std::size_t kMostMistakes = 3;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// Takes a cell in double quotes from the beginning of `line`, a doubled quote standing for one; nullopt: it
/// is never closed.
std::optional<std::string> take_quoted(std::string_view& line) {
  std::string cell;
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] != '"') {
      cell += line[i];
    } else if (i + 1 < line.size() && line[i + 1] == '"') {
      cell += line[i++];
    } else {
      line.remove_prefix(i + 1);
      return cell;
    }
  }
  return std::nullopt;
}

/// The cells of a line; nullopt: quotes that are never closed.
std::optional<std::vector<std::string>> columns_of(std::string_view line, std::string_view separator) {
  line = trimmed(line);
  if (separator == "|" && line.starts_with('|')) line.remove_prefix(1);
  if (separator == "|" && line.ends_with('|')) line.remove_suffix(1);
  std::vector<std::string> columns;
  for (;;) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    std::string cell;
    if (line.starts_with('"')) {
      auto quoted = take_quoted(line);
      if (!quoted) return std::nullopt;
      cell = std::move(*quoted);
    }
    const std::size_t end = line.find(separator);
    cell += trimmed(line.substr(0, end));
    columns.push_back(std::move(cell));
    if (end == std::string_view::npos) return columns;
    line.remove_prefix(end + separator.size());
  }
}

/// By the first separator that makes enough columns, else by the one that makes most.
std::optional<std::vector<std::string>> columns_of(std::string_view line) {
  std::vector<std::string> most;
  for (const std::string_view separator : {"\t", "|", ",", ";", "  "}) {
    auto columns = columns_of(line, separator);
    if (!columns) return std::nullopt;
    if (columns->size() >= kFewestColumns) return columns;
    if (columns->size() > most.size()) most = std::move(*columns);
  }
  return most;
}

bool is_rule(std::string_view line) { return line.find_first_not_of("-+=|: \t\r") == std::string_view::npos; }

/// "sensitive_type" of "Sensitive Type".
std::string title_of(std::string_view cell) {
  std::string title(cell);
  for (char& c : title) {
    c = c == ' ' || c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return title;
}

/// Where a table has what is read of it.
struct Layout {
  std::size_t op = 0, type = 1;
  std::optional<std::size_t> dtype = 4;
  std::size_t columns = kFewestColumns;  // that a row has at least
};

constexpr std::array<std::string_view, 5> kOpTitles = {"op_name", "op", "name", "node", "node_name"};
constexpr std::array<std::string_view, 2> kTypeTitles = {"sensitive_type", "type"};
constexpr std::array<std::string_view, 2> kDtypeTitles = {"dtype", "data_type"};

template <std::size_t N>
std::optional<std::size_t> find_title(const std::vector<std::string>& columns,
                                      const std::array<std::string_view, N>& titles) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (std::ranges::find(titles, title_of(columns[i])) != titles.end()) return i;
  }
  return std::nullopt;
}

class TableReader {
 public:
  TableReader(std::string file, Diagnostics& diagnostics)
      : file_(std::move(file)), diagnostics_(diagnostics) {}

  std::vector<SensitivityRow> read(std::string_view text) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      ++line_;
      if (!is_rule(text.substr(0, end)) && !read_line(text.substr(0, end))) break;
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (rows_.empty() && mistakes_.empty()) wrong("the sensitivity table has no rows", {file_, 0, 0});
    tell();
    return std::move(rows_);
  }

 private:
  void wrong(std::string message, Where where) {
    mistakes_.emplace_back(std::move(message), std::move(where));
  }

  /// A file that is something else is one mistake.
  void tell() {
    const bool no_table = rows_.empty() && mistakes_.size() > kMostMistakes;
    for (std::size_t i = 0; i < std::min(mistakes_.size(), no_table ? 1 : kMostMistakes); ++i) {
      const auto& [message, where] = mistakes_[i];
      diagnostics_.error(
          codes::kBadValue,
          no_table ? fmt::format("this is no sensitivity table, or of another form: {}; none of its {} "
                                 "lines can be read",
                                 message, mistakes_.size())
                   : message,
          where);
    }
    if (!no_table && mistakes_.size() > kMostMistakes) {
      diagnostics_.error(
          codes::kBadValue,
          fmt::format("{} more lines of the table cannot be read", mistakes_.size() - kMostMistakes),
          {file_, 0, 0});
    }
  }

  /// Result: whether the lines below can be read.
  bool read_line(std::string_view line) {
    const Where where{file_, line_, 0};
    const auto columns = columns_of(line);
    if (!columns) {
      wrong("a cell's quotes are never closed", where);
      return true;
    }
    const bool is_first = !std::exchange(begun_, true);
    const bool names_op = find_title({columns->front()}, kOpTitles).has_value();
    if (is_first && (names_op || (columns->size() > 1 && find_title({(*columns)[1]}, kTypeTitles)))) {
      return read_header(*columns, where);
    }
    read_row(*columns, where);
    return true;
  }

  bool read_header(const std::vector<std::string>& columns, const Where& where) {
    const auto type = find_title(columns, kTypeTitles);
    if (!type) {
      wrong("the header has no column sensitive_type, which says of each row activation or weight", where);
      return false;
    }
    layout_.op = find_title(columns, kOpTitles).value_or(0);
    layout_.type = *type;
    layout_.dtype = find_title(columns, kDtypeTitles);
    layout_.columns = std::max(layout_.op, layout_.type) + 1;
    return true;
  }

  void read_row(const std::vector<std::string>& columns, const Where& where) {
    if (columns.size() < layout_.columns) {
      return wrong(fmt::format("a row has the columns op, type, operator type and metric, this one has {}",
                               columns.size()),
                   where);
    }
    const std::string& type = columns[layout_.type];
    if (type != "activation" && type != "weight") {
      return wrong(fmt::format("the type of a row must be activation or weight, not {}{}", quote(type),
                               did_you_mean(type, {"activation", "weight"})),
                   where);
    }
    const bool has_dtype = layout_.dtype && *layout_.dtype < columns.size();
    const std::string dtype = has_dtype ? columns[*layout_.dtype] : "";
    if (!dtype.empty() && !precision_from(dtype)) {
      const std::vector<std::string> words = precision_words();
      return wrong(fmt::format("the dtype of a row must be one of {}, not {}{}", join(words, ", "),
                               quote(dtype), did_you_mean(dtype, words)),
                   where);
    }
    rows_.push_back({columns[layout_.op], type, dtype, where});
  }

  const std::string file_;
  Diagnostics& diagnostics_;
  Layout layout_;
  std::vector<SensitivityRow> rows_;
  int line_ = 0;
  bool begun_ = false;
  std::vector<std::pair<std::string, Where>> mistakes_;
};

}  // namespace

std::vector<SensitivityRow> read_sensitivity_table(const std::filesystem::path& file, const Where& named_at,
                                                   Diagnostics& diagnostics) {
  std::shared_ptr<const MappedFile> mapped;
  try {
    mapped = MappedFile::open(file);
  } catch (const Fatal& failure) {
    diagnostics.error(codes::kFileAccess,
                      "the sensitivity table: " + escaped(failure.diagnostics().front().message), named_at);
    return {};
  }
  const auto bytes = mapped->bytes();
  if (bytes.size() > kLargestFile) {
    diagnostics.error(
        codes::kBadValue,
        fmt::format("the sensitivity table {} is larger than {} bytes", quote(file.string()), kLargestFile),
        named_at);
    return {};
  }
  return TableReader(file.string(), diagnostics)
      .read({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace qprep
