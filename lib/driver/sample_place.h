#pragma once

#include <optional>
#include <vector>

#include "config/config.h"
#include "samples/find_samples.h"
#include "support/diagnostics.h"

namespace qprep {

/// What the configuration names files by, one by one: itself, or a .txt file.
bool names_files(const CalibrationConfig& config);

/// Where its samples lie. Throws Fatal for a list that cannot be read, or names none.
SamplePlace place_of(const CalibrationConfig& config);

/// Errors (file-access) at the configuration's line: folders and the list that it names and that are not
/// there, each with the nearest name that is, or are files where folders are wanted, with what to write
/// instead. Looks at nothing inside them.
std::vector<Diagnostic> missing_places(const CalibrationConfig& config);

}  // namespace qprep
