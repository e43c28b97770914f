#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "driver/prepare.h"
#include "onnx_io/onnx_file.h"
#include "passes/insert_preprocessing.h"
#include "plan/plan.h"
#include "statistics/tensor_observer.h"
#include "statistics/tensor_statistics.h"

namespace qprep {

/// A tensor whose range calibration has to find, and its name before FakeQuantize nodes are inserted. One of
/// several of a name, in bodies, has "#2" and so on behind it.
struct Observed {
  const Value* value = nullptr;
  std::string name;
  std::optional<std::int64_t> channel_axis = {};  // along which it is to have a scale for each index
};

/// The tensors that the plan wants quantised with a scale from data, and those that an
/// uncalibrated FakeQuantize of the input model reads; in graph order, each once,
/// those of the main graph first.
std::vector<Observed> tensors_to_observe(const Model& model, const Plan& plan);

/// The model states scales of activations: a calibrated FakeQuantize of something computed, or
/// QuantizeLinear.
bool carries_scales(const Model& model);

/// Runs the float model over the configuration's samples. Given: config.calibration; `file` is as it was when
/// `observed` was made; `inputs` are those for which config.raw has folders, in its order. Result:
/// the file is as it was; while it is observed, bodies have Probe nodes.
Statistics run_calibration(OnnxFile& file, const std::vector<Observed>& observed,
                           const CalibrationConfig& config, Wanted wanted,
                           std::span<const PreparedInput> inputs, const PrepareOptions& options,
                           Diagnostics& diagnostics);

/// Statistics from a file that fit this model: it has the same bytes as the one they are of, and its observed
/// tensors are among theirs; if the configuration names samples, they are preprocessed as theirs were.
/// Result: exactly those, in the order of `observed`. Fatal (bad-statistics): what differs.
Statistics fitting_statistics(const std::string& path, const OnnxFile& file,
                              const std::vector<Observed>& observed, const CalibrationConfig& config,
                              std::span<const PreparedInput> inputs, Wanted wanted);

}  // namespace qprep
