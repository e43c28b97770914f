#pragma once

#include <vector>

#include "config/yaml_reader.h"
#include "plan/setting.h"

namespace qprep {

/// The settings that `qconfig_dict` and `hybrid_dict` make, as Horizon's plugin and PyTorch's FX mode read
/// them, first one first: hybrid_dict (names, types), module_name (what lies deepest first),
/// module_name_regex, module_type and object_type, "" for all others. Without "", what nobody names stays
/// float. Mistakes in `diagnostics`; what prepare cannot carry out yet in `not_yet`.
std::vector<Setting> read_qconfig_dict(YamlMap& file, Diagnostics& diagnostics, Diagnostics& not_yet);

}  // namespace qprep
