#pragma once

#include <map>
#include <span>
#include <string>

#include "config/config.h"
#include "passes/insert_preprocessing.h"
#include "samples/samples.h"

namespace qprep {

/// The samples that a configuration names, for the model as it is before anything is inserted. `inputs` are
/// those for which config.raw has folders, in its order. Throws Fatal with all that does not fit, what
/// config.inputs says of inputs that the model lacks too.
SampleSet open_samples(const Model& model, const CalibrationConfig& config,
                       std::span<const PreparedInput> inputs, Diagnostics& diagnostics);

/// What is done to a sample before the model sees it, by the name of an input; nothing: no entry.
std::map<std::string, std::string> preprocessing_by_input(const CalibrationConfig& config,
                                                          std::span<const PreparedInput> inputs);
/// All of it as one text: "image: bgr for rgb NCHW, mean 128; other: ..."; empty: nothing.
std::string preprocessing_text(const CalibrationConfig& config, std::span<const PreparedInput> inputs);

}  // namespace qprep
