#pragma once

#include <vector>

#include "driver/calibration.h"
#include "driver/choose_ranges.h"
#include "driver/quantised_trials.h"
#include "plan/plan.h"
#include "report/sensitivity.h"

namespace qprep {

/// Runs the quantised model once for each scale of an activation of 8 bits, with that alone quantised; then
/// with the most costly ones in 16 bits, or in float. Of the samples,
/// 4 to 16 are taken. Given: the quantised model is loaded; `ranges` are of `observed`, and so are `wide`, in
/// 16 bits; `elements`: that the observed tensors have in a sample.
Sensitivity measure_sensitivity(const QuantisedTrials& trials, const std::vector<Observed>& observed,
                                const std::vector<ChosenRange>& ranges, const std::vector<ChosenRange>& wide,
                                const Plan& plan, double elements);

}  // namespace qprep
