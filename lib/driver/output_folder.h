#pragma once

#include <filesystem>

namespace qprep {

/// Result: the folder is there and files can be made in it. Throws Fatal(kFileAccess) otherwise, before work
/// is done for nothing.
void prepare_output_folder(const std::filesystem::path& folder);

}  // namespace qprep
