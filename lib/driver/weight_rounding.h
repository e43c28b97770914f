#pragma once

#include <string>
#include <vector>

#include "driver/prepare.h"
#include "onnx_io/onnx_file.h"
#include "passes/roundable_layers.h"
#include "samples/samples.h"

namespace qprep {

struct RoundedWeights {
  std::vector<std::string> layers;  // the labels of those whose weights were rounded
  RoundingShifts shifts;
};

/// Rounds the weights of the main graph's layers with regard to what 32 of the samples give them, evenly
/// apart, at 256 places of each (quant/least_error_rounding.h). Given: FakeQuantize nodes are inserted, and
/// those of weights are calibrated. Layers of more than 2304 inputs stay. Sums are made in the samples'
/// order, so threads change nothing.
RoundedWeights round_weights(OnnxFile& file, const SampleSet& samples, const PrepareOptions& options);

}  // namespace qprep
