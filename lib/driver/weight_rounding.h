#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "driver/prepare.h"
#include "onnx_io/onnx_file.h"
#include "passes/roundable_layers.h"
#include "plan/sample_spec.h"
#include "samples/samples.h"

namespace qprep {

struct RoundedWeights {
  std::vector<std::string> layers;  // the labels of those whose weights were rounded
  RoundingShifts shifts;
};

/// Rounds the weights of the main graph's layers with regard to what 32 of the samples give them, evenly
/// apart, at 256 places of each, shared by the first 64 of its steps, with their states
/// (quant/least_error_rounding.h). Given: FakeQuantize nodes are inserted, and those of weights are
/// calibrated. Layers of more than 2304 inputs stay. Sums are made in the samples' order, so threads change
/// nothing. `memory`: bytes of moments and columns that are held at once, usually 1 GiB; the samples run
/// again for layers (at least one) that do not fit, with the same result.
RoundedWeights round_weights(OnnxFile& file, const SampleSet& samples, std::span<const StateLink> state,
                             std::optional<std::uint64_t> memory, const PrepareOptions& options);

}  // namespace qprep
