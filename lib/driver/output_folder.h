#pragma once

#include <filesystem>
#include <vector>

namespace qprep {

/// A folder for results.
class OutputFolder {
 public:
  /// Result: the folder is there and files can be made in it. Throws Fatal(kFileAccess) otherwise, before
  /// work is done for nothing.
  explicit OutputFolder(const std::filesystem::path& folder);
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;
  /// Result: folders that were made for nothing are gone.
  ~OutputFolder();

 private:
  std::vector<std::filesystem::path> made_;  // innermost first
};

}  // namespace qprep
