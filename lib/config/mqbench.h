#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/yaml_reader.h"
#include "plan/setting.h"

namespace qprep {

/// The settings that MQBench's dictionaries make, first one first: extra_quantizer_dict (additional_*, then
/// exclude_*), then extra_qconfig_dict for all nodes; at the file's own level or within
/// `prepare_custom_config_dict`. Mistakes in `diagnostics`; what prepare cannot carry out yet in `not_yet`.
std::vector<Setting> read_mqbench(YamlMap& file, Diagnostics& diagnostics, Diagnostics& not_yet);

/// The march whose file has the rules of the `backend` that the configuration names; nullopt: it names none,
/// or one without such a file. Given: read_mqbench says what is wrong with it.
std::optional<Placed<std::string>> march_of_backend(YamlMap& file);

}  // namespace qprep
