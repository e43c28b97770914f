#pragma once

#include <vector>

#include "config/config.h"

namespace qprep {

/// Warnings: what the configuration names and prepare would look for in vain, samples and the model
/// (file-access), or needs and finds only where a model carries scales (no-scales).
std::vector<Diagnostic> missing_files(const Config& config);

}  // namespace qprep
