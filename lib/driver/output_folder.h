#pragma once

#include <cstddef>
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
  /// Result: folders that were made for nothing are gone; so they are where a signal ends the process
  /// (remove_temporaries_on_signals).
  ~OutputFolder() = default;

 private:
  /// Folders that were not there before, innermost first.
  class Made {
   public:
    Made() = default;
    Made(const Made&) = delete;
    Made& operator=(const Made&) = delete;
    ~Made();
    void add(const std::filesystem::path& folder);

   private:
    struct Folder {
      std::filesystem::path path;
      std::size_t registration = 0;  // 0: none
    };
    std::vector<Folder> folders_;
  };

  Made made_;
};

}  // namespace qprep
