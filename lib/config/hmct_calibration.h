#pragma once

#include <optional>
#include <vector>

#include "config/config.h"
#include "config/findings.h"
#include "config/yaml_reader.h"
#include "plan/method_search.h"

namespace qprep {

/// What `model_config` of a quant_config of hmct says of calibration; docs/config_hmct.md.
struct HmctCalibration {
  std::optional<Where> where;           // of the first that says something; nullopt: nothing does
  std::vector<ObserverSpec> observers;  // of more than one, the best by the results; none: nothing is said
  MethodSearch search;                  // how they are compared
  bool corrects_biases = false;
  std::optional<Where> per_channel =
      {};  // activations are to have a scale for each channel, without a search
};

/// Reads the keys `activation`, `weight`, `modelwise_search` and `layerwise_search` of `model`, which then
/// count as known. Mistakes, and what cannot be carried out, go to the findings.
HmctCalibration read_hmct_calibration(YamlMap& model, const Findings& findings);

/// Takes what was said into the calibration of a file that has samples.
void apply(const HmctCalibration& said, CalibrationConfig& calibration);

}  // namespace qprep
