#pragma once

#include <vector>

#include "config/yaml_reader.h"
#include "plan/setting.h"

namespace qprep {

/// What the templates that ask for the usual precision take: activations.dtype and weights.dtype.
struct UsualPrecision {
  Precision activations = Precision::kInt8;
  Precision weights = Precision::kInt8;
};

/// The settings that `qconfig_setter` and `hybrid` make, first one first. What prepare cannot carry out yet
/// goes to `not_yet`, as errors with their places; it passes as correct otherwise.
std::vector<Setting> read_qconfig_setter(YamlMap& file, const UsualPrecision& usual, Diagnostics& diagnostics,
                                         Diagnostics& not_yet);

}  // namespace qprep
