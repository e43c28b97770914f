#pragma once

#include <vector>

#include "config/yaml_reader.h"
#include "plan/sample_spec.h"

namespace qprep {

/// What `calibration.inputs` says, in the file's order: a map from the names of inputs. Diagnostics: every
/// mistake, with its place. Given: `map` is that of `calibration`.
std::vector<SampleSpec> read_sample_inputs(YamlMap& map, Diagnostics& diagnostics);

/// What `calibration.state` says: a map from outputs to inputs, each input once. Given as above.
std::vector<StateLink> read_state(YamlMap& map, Diagnostics& diagnostics);

}  // namespace qprep
