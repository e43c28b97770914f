#pragma once

#include <string>

#include "config/findings.h"
#include "config/hb_settings.h"
#include "config/hmct_calibration.h"
#include "config/yaml_reader.h"

namespace qprep {

/// What a quant_config of hmct says; docs/config_hmct.md.
struct HmctConfig {
  HbSettings of_nodes;          // node_config, then subgraph_config, then op_config
  std::vector<Setting> of_all;  // model_config
  HmctCalibration calibration;  // model_config
};

/// Given: `root` is the map with model_config and its like. Mistakes and what cannot be carried out go
/// to the findings.
HmctConfig read_hmct(const YamlNode& root, const Findings& findings);

}  // namespace qprep
