#pragma once

#include <filesystem>

namespace qprep {

/// The folder of configurations (op_classes.yaml, ...): what the environment variable QPREP_CONFIGS names;
/// else ../share/qprep/configs beside the running program; else configs/ in the checkout that it was built
/// in. Throws Fatal(file-access) that says where it was looked for.
std::filesystem::path find_configs();

}  // namespace qprep
