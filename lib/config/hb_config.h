#pragma once

#include <string>

#include "config/config.h"
#include "config/yaml_reader.h"
#include "support/diagnostics.h"

/// The configurations of hb_mapper, hb_compile and hmct. Mistakes go to `diagnostics`.
namespace qprep {

/// Given: is_hb_file(root).
Config read_hb_config(const YamlNode& root, const std::string& file, Diagnostics& diagnostics);

/// Given: is_hmct_file(root).
Config read_hmct_config(const YamlNode& root, const std::string& file, Diagnostics& diagnostics);

/// What was said, but a key that stands twice with equal values, as programs write them, is a warning.
Diagnostics repeated_alike_are_warnings(const YamlNode& root, const Diagnostics& said);

}  // namespace qprep
