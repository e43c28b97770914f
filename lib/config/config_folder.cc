#include "config/config_folder.h"

#include <cstdlib>
#include <fmt/format.h>
#include <system_error>

#include "support/codes.h"
#include "support/diagnostics.h"

namespace qprep {
namespace {

constexpr const char* kOpClasses = "op_classes.yaml";

bool holds_configs(const std::filesystem::path& folder) {
  std::error_code error;
  return std::filesystem::exists(folder / kOpClasses, error);
}

}  // namespace

std::filesystem::path find_configs() {
  if (const char* named = std::getenv("QPREP_CONFIGS"); named != nullptr && *named != '\0') {
    if (holds_configs(named)) return named;
    throw Fatal(codes::kFileAccess,
                fmt::format("QPREP_CONFIGS names this folder, but it has no {}", kOpClasses), {named});
  }
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path installed = program.parent_path().parent_path() / "share/qprep/configs";
  if (holds_configs(installed)) return installed;
  // A build tree lies inside the checkout: build/<preset>/apps/qprep/qprep.
  for (std::filesystem::path folder = program.parent_path(); folder.has_relative_path();
       folder = folder.parent_path()) {
    if (holds_configs(folder / "configs")) return folder / "configs";
  }
  throw Fatal(
      codes::kFileAccess,
      fmt::format(
          "cannot find qprep's own configurations in {}; set QPREP_CONFIGS to the folder that holds {}",
          installed.string(), kOpClasses));
}

}  // namespace qprep
