#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace qprep {

enum class Severity { kNote, kWarning, kError };

/// A place in one of the user's files. line and column count from 1; 0 = the whole file, or the whole line.
struct Where {
  std::string file;
  int line = 0;
  int column = 0;

  friend bool operator==(const Where&, const Where&) = default;
};

/// One thing the user should know. `code` is one of support/codes.h; `message` is a sentence without its
/// place.
struct Diagnostic {
  Severity severity = Severity::kError;
  std::string_view code;
  std::string message;
  Where where;
};

/// "model.yaml:3:7", "model.yaml:3" or "model.yaml"; empty for an empty file name.
std::string to_text(const Where& where);
/// "note", "warning", "error".
std::string_view to_text(Severity severity);

/// "model.yaml:3:7: error: unknown key 'formt' [unknown-key]"
std::string to_text(const Diagnostic& diagnostic);

/// Ends the run: nothing sensible can follow. Caught only by the command line, which prints all diagnostics.
class Fatal : public std::exception {
 public:
  explicit Fatal(std::vector<Diagnostic> diagnostics);
  Fatal(std::string_view code, std::string message, Where where = {});

  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::vector<Diagnostic> diagnostics_;
  std::string text_;
};

/// What a run has to say while it goes on. Order of addition is order of report.
class Diagnostics {
 public:
  void add(Diagnostic diagnostic) { all_.push_back(std::move(diagnostic)); }
  void note(std::string_view code, std::string message, Where where = {});
  void warning(std::string_view code, std::string message, Where where = {});
  void error(std::string_view code, std::string message, Where where = {});

  const std::vector<Diagnostic>& all() const { return all_; }
  std::size_t count(Severity severity) const;

  /// Result: returns if no error was added, else throws Fatal with everything added so far, in the
  /// order of the lines where all are about lines.
  void throw_if_error() const;

 private:
  std::vector<Diagnostic> all_;
};

}  // namespace qprep
