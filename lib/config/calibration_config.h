#pragma once

#include <string>

#include "config/config.h"

namespace qprep {

/// What the key `calibration` of qprep's own configurations says. `file`: the configuration, from whose
/// folder relative paths go. Diagnostics: every mistake.
CalibrationConfig read_calibration(const YamlNode& node, const std::string& file, Diagnostics& diagnostics);

}  // namespace qprep
