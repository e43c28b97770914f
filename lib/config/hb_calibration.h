#pragma once

#include <string>

#include "config/config.h"
#include "config/hb_file.h"
#include "config/hmct_calibration.h"

namespace qprep {

/// What `calibration_parameters` says of samples and of the method, and which models are written therefore:
/// integers too where there will be scales. `in_detail`: what its quant_config says of methods, which counts
/// where both speak. Given: `config` has its file and its inputs.
void read_hb_calibration(const HbFile& file, const HmctCalibration& in_detail, const Findings& findings,
                         Config& config);

/// The path as seen from the folder of `file`.
std::string beside(const std::string& file, const std::string& path);

}  // namespace qprep
