#include "config/march_hint.h"

#include <fmt/format.h>

namespace qprep {

std::string hint_at_march_file(std::string_view name, const std::filesystem::path& folder) {
  std::error_code error;
  for (const char* ending : {".yaml", ".yml"}) {
    const std::filesystem::path file = folder / (std::string(name) + ending);
    if (!std::filesystem::is_regular_file(file, error)) continue;
    return std::string_view(ending) == ".yaml"
               ? fmt::format("; a file is named with its ending: '{}.yaml'", name)
               : fmt::format("; a file of your own ends with .yaml: rename '{}.yml'", name);
  }
  return "; a file of your own is named by its path, which ends with .yaml";
}

}  // namespace qprep
