#include "support/near_file.h"

#include <filesystem>
#include <system_error>
#include <vector>

#include "support/text.h"

namespace qprep {

std::string did_you_mean_file(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code none;
  fs::path folder = ".";
  for (const fs::path& part : fs::path(path).lexically_normal()) {
    const fs::path next = part.is_absolute() ? part : folder / part;
    if (fs::exists(next, none)) {
      folder = next;
      continue;
    }
    std::vector<std::string> names;
    for (fs::directory_iterator at(folder, none), end; !none && at != end; at.increment(none))
      names.push_back(at->path().filename().string());
    return did_you_mean(part.string(), names);
  }
  return "";
}

}  // namespace qprep
