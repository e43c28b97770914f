#include "driver/output_folder.h"

#include <cerrno>
#include <system_error>
#include <unistd.h>

#include "support/codes.h"
#include "support/diagnostics.h"
#include "support/temporary_names.h"
#include "support/text.h"

namespace qprep {

OutputFolder::OutputFolder(const std::filesystem::path& folder) {
  std::error_code error;
  for (std::filesystem::path at = std::filesystem::absolute(folder, error); !error && !at.empty();
       at = at.parent_path()) {
    if (std::filesystem::exists(at, error) || at == at.parent_path()) break;
    made_.add(at);
  }
  std::filesystem::create_directories(folder, error);
  // create_directories calls an existing file an error or no error, depending on the library.
  if (std::filesystem::exists(folder) && !std::filesystem::is_directory(folder)) {
    throw Fatal(codes::kFileAccess, "is a file, where a folder for the results was named", {folder.string()});
  }
  if (error)
    throw Fatal(codes::kFileAccess, "cannot make this folder: " + error.message(), {folder.string()});
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    throw Fatal(codes::kFileAccess, "cannot write into this folder: " + error_text(errno), {folder.string()});
  }
}

/// Before it is made, so that no signal finds it made and unknown.
void OutputFolder::Made::add(const std::filesystem::path& folder) {
  folders_.push_back({folder, remember_folder(folder.string())});
}

OutputFolder::Made::~Made() {
  std::error_code not_empty;
  for (const Folder& folder : folders_) {
    std::filesystem::remove(folder.path, not_empty);
    if (folder.registration > 0) forget_folder(folder.registration);
  }
}

}  // namespace qprep
