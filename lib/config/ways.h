#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/yaml_reader.h"
#include "plan/setting.h"

namespace qprep {

/// The settings of a file that writes precision in another way than qprep's own: qconfig_dict, quantizers or
/// MQBench's dictionaries, first one first. Mistakes in `diagnostics`: those of the reader, and two ways in
/// one file. What prepare cannot carry out yet goes to `not_yet`.
std::vector<Setting> read_other_ways(YamlMap& file, Diagnostics& diagnostics, Diagnostics& not_yet);

/// Under which key the file says the precision of single nodes, as Config::precision_key.
std::optional<Placed<std::string>> precision_key(const YamlMap& file);

}  // namespace qprep
