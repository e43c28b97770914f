#pragma once

#include <vector>

#include "config/config.h"

namespace qprep {

/// Warnings (file-access): what the configuration names and prepare would look for in vain, samples and the
/// model.
std::vector<Diagnostic> missing_files(const Config& config);

}  // namespace qprep
