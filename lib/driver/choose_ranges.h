#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "driver/calibration.h"
#include "driver/tensor_methods.h"
#include "passes/correct_biases.h"
#include "passes/fill_scales.h"
#include "plan/plan.h"
#include "report/calibrated.h"
#include "statistics/observers.h"

namespace qprep {

/// What calibration makes of one observed tensor.
struct ChosenRange {
  Range seen;           // by the samples
  ObservedRange taken;  // what its integers cover; tensors with one scale in common have one
  /// Of a tensor with a scale for each channel: what the integers of each cover, which is what was seen of
  /// it, no farther out than `taken`; of averages over the samples, that of the channel. Empty: one scale, or
  /// its channels were not observed.
  std::vector<ChannelEnds> channels = {};
};

/// In the order of `observed`. `named`: of methods_by_name. `usual`: of the tensors that the configuration
/// does not name, and whose own observer is no method (method_of_observer); of those of 16 bits, method auto
/// takes min_max. Given: `statistics` has these tensors, in this order. `as`: the precision that all have,
/// instead of their own.
std::vector<ChosenRange> choose_ranges(const std::vector<Observed>& observed, const Statistics& statistics,
                                       const Plan& plan, const CalibrationConfig& config,
                                       const TensorMethods& named, const ObserverSpec& usual,
                                       std::optional<Precision> as = std::nullopt);

/// For the report. Tensors that got no scale, and constants, are left out.
Calibrated calibrated_tensors(const std::vector<Observed>& observed, const std::vector<ChosenRange>& chosen,
                              const FilledScales& filled, const Plan& plan);

/// Of those tensors whose channels were observed.
std::unordered_map<const Value*, ChannelMeans> means_of(const std::vector<Observed>& observed,
                                                        const Statistics& statistics);

/// One of the tensors has another method than the usual one.
bool have_own_methods(const std::vector<Observed>& observed, const Plan& plan, const TensorMethods& named);

/// Some tensor may get a scale for each channel from averages over the samples.
bool averages_channels(const CalibrationConfig& config, const std::vector<Observed>& observed);

/// What the configuration's methods, and the tensors' own, need of the samples.
Wanted wanted_for(const CalibrationConfig& config, const std::vector<Observed>& observed, const Plan& plan);

}  // namespace qprep
