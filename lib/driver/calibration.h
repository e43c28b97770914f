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

/// The tensors of the main graph that the plan wants quantised with a scale from data, and those that an
/// uncalibrated FakeQuantize of the input model reads; in graph order, each once.
std::vector<Observed> tensors_to_observe(const Model& model, const Plan& plan);

/// The model states scales of activations: a calibrated FakeQuantize of something computed, or
/// QuantizeLinear.
bool carries_scales(const Model& model);

struct CalibrationRun {
  Ranges ranges;  // by Observed::name
  std::size_t samples = 0;
};

/// Runs the float model over the configuration's samples. Given: config.calibration; `file` is as it was when
/// `observed` was made; `inputs` are those for which config.raw has folders, in its order.
CalibrationRun run_calibration(const OnnxFile& file, const std::vector<Observed>& observed,
                               const CalibrationConfig& config, std::span<const PreparedInput> inputs,
                               const PrepareOptions& options, Diagnostics& diagnostics);

/// The ranges by the names that the tensors have now.
Ranges by_present_name(const Ranges& ranges, const std::vector<Observed>& observed);

}  // namespace qprep
