#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace qprep::golden {

/// A case as its file has it: sections that each start with a line "--- <name>".
class CaseFile {
 public:
  /// Throws std::runtime_error for text before the first section, or a section that stands twice.
  explicit CaseFile(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  /// "passes/drop_identity" of testdata/golden/passes/drop_identity.txt.
  std::string name() const;
  bool expects_failure() const { return path_.filename().string().starts_with("fail_"); }
  bool has(std::string_view section) const;
  /// All but "args" and "expect", in the order of the file.
  std::vector<std::string> sections() const;
  /// The section's text, with every line's end; empty if there is none.
  std::string text(std::string_view section) const;
  /// The section's words, split at blanks and line ends.
  std::vector<std::string> words(std::string_view section) const;

  /// Result: the file has this text as its last section, the others are as they were.
  void rewrite_expectation(const std::string& text) const;

 private:
  std::filesystem::path path_;
  std::vector<std::string> order_;
  std::map<std::string, std::string, std::less<>> sections_;
};

/// Every case under testdata/golden, sorted by path.
std::vector<std::filesystem::path> all_cases();

}  // namespace qprep::golden
