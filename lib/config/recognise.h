#pragma once

#include <string_view>

#include "config/yaml_reader.h"

/// Configurations are recognised by their keys, not by their names.
namespace qprep {

/// The file has one of model_parameters, input_parameters, calibration_parameters and compiler_parameters:
/// it is one of hb_mapper or hb_compile.
bool is_hb_file(const YamlNode& root);

/// The file has one of model_config, op_config, subgraph_config and node_config: a quant_config of hmct.
bool is_hmct_file(const YamlNode& root);

/// A key of qprep's own configurations at their outermost level.
bool is_own_key(std::string_view key);

}  // namespace qprep
