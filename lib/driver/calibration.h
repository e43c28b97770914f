#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "driver/prepare.h"
#include "onnx_io/onnx_file.h"
#include "passes/insert_preprocessing.h"
#include "plan/plan.h"
#include "quant/scale.h"

namespace qprep {

/// A tensor whose range calibration has to find, and its name before FakeQuantize nodes are inserted.
struct Observed {
  const Value* value = nullptr;
  std::string name;
};

/// The tensors that the plan wants quantised with a scale from data, and those that an
/// uncalibrated FakeQuantize of the input model reads; in graph order, each once,
/// those of the main graph first.
std::vector<Observed> tensors_to_observe(const Model& model, const Plan& plan);

/// The model states scales of activations: a calibrated FakeQuantize of something computed, or
/// QuantizeLinear.
bool carries_scales(const Model& model);

struct CalibrationRun {
  std::vector<Range> ranges;  // in the order of the observed tensors
  std::size_t samples = 0;
};

/// Runs the float model over the configuration's samples. Given: config.calibration; `file` is as it was when
/// `observed` was made; `inputs` are those for which config.raw has folders, in its order. Result:
/// the file is as it was; while it is observed, bodies have Probe nodes.
CalibrationRun run_calibration(OnnxFile& file, const std::vector<Observed>& observed,
                               const CalibrationConfig& config, std::span<const PreparedInput> inputs,
                               const PrepareOptions& options, Diagnostics& diagnostics);

}  // namespace qprep
