#pragma once

#include <vector>

#include "config/setting_spec.h"

namespace qprep {

inline constexpr std::int64_t kLargestMinSegment = 1'000'000;

/// The settings that `hybrid`, `qconfig_setter` and `templates` make, first one first. What prepare cannot
/// carry out yet goes to `not_yet`, as errors with their places; it passes as correct otherwise.
std::vector<Setting> read_qconfig_setter(YamlMap& file, const UsualPrecision& usual, Diagnostics& diagnostics,
                                         Diagnostics& not_yet);

}  // namespace qprep
