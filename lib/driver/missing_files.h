#pragma once

#include <vector>

#include "config/config.h"

namespace qprep {

/// Warnings: what the configuration names and prepare would look for in vain, the model, folders of samples,
/// and samples that it or a list names one by one, the first few of them (file-access); or what prepare needs
/// and finds only where a model carries scales (no-scales). Looks whether files are there, and reads a list;
/// a list without samples is an error.
std::vector<Diagnostic> missing_files(const Config& config);

}  // namespace qprep
