#include "support/diagnostics.h"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>
#include <utility>

#include "support/text.h"

namespace qprep {
std::string_view to_text(Severity severity) {
  switch (severity) {
    case Severity::kNote:
      return "note";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      break;
  }
  return "error";
}

std::string to_text(const Where& where) {
  if (where.line == 0) return where.file;
  if (where.column == 0) return fmt::format("{}:{}", where.file, where.line);
  return fmt::format("{}:{}:{}", where.file, where.line, where.column);
}

std::string to_text(const Diagnostic& diagnostic) {
  const std::string place = to_text(diagnostic.where);
  return printable(fmt::format("{}{}{}: {} [{}]", place, place.empty() ? "" : ": ",
                               to_text(diagnostic.severity), diagnostic.message, diagnostic.code));
}

Fatal::Fatal(std::vector<Diagnostic> diagnostics) : diagnostics_(std::move(diagnostics)) {
  for (const Diagnostic& diagnostic : diagnostics_) {
    if (!text_.empty()) text_ += '\n';
    text_ += to_text(diagnostic);
  }
}

Fatal::Fatal(std::string_view code, std::string message, Where where)
    : Fatal(std::vector<Diagnostic>{{Severity::kError, code, std::move(message), std::move(where)}}) {}

void Diagnostics::note(std::string_view code, std::string message, Where where) {
  add({Severity::kNote, code, std::move(message), std::move(where)});
}

void Diagnostics::warning(std::string_view code, std::string message, Where where) {
  add({Severity::kWarning, code, std::move(message), std::move(where)});
}

void Diagnostics::error(std::string_view code, std::string message, Where where) {
  add({Severity::kError, code, std::move(message), std::move(where)});
}

std::size_t Diagnostics::count(Severity severity) const {
  return static_cast<std::size_t>(
      std::count_if(all_.begin(), all_.end(), [&](const Diagnostic& d) { return d.severity == severity; }));
}

void Diagnostics::throw_if_error() const {
  if (count(Severity::kError) == 0) return;
  const auto place = [](const Diagnostic& d) { return std::tie(d.where.file, d.where.line, d.where.column); };
  std::vector<Diagnostic> ordered = all_;
  const bool have_lines =
      std::all_of(all_.begin(), all_.end(), [](const Diagnostic& d) { return d.where.line > 0; });
  if (have_lines)
    std::stable_sort(ordered.begin(), ordered.end(),
                     [&](const Diagnostic& a, const Diagnostic& b) { return place(a) < place(b); });
  throw Fatal(std::move(ordered));
}

}  // namespace qprep
