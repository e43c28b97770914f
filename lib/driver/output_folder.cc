#include "driver/output_folder.h"

#include <cerrno>
#include <system_error>
#include <unistd.h>

#include "support/codes.h"
#include "support/diagnostics.h"
#include "support/text.h"

namespace qprep {

void prepare_output_folder(const std::filesystem::path& folder) {
  std::error_code error;
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

}  // namespace qprep
