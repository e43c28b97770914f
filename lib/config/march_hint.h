#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace qprep {

/// Behind what is said of a march that nobody ships: that a file of one's own is named by its path, with the
/// path of the one in `folder` that was probably meant.
std::string hint_at_march_file(std::string_view name, const std::filesystem::path& folder);

}  // namespace qprep
