#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "plan/method_search.h"
#include "report/calibrated.h"

/// `calibration.method: auto` with samples: one observer for all tensors, that with which the quantised
/// model's results are nearest to the float one's.
namespace qprep {

/// What is compared: what the configuration says, else the methods that have won on real models, by cosine
/// similarity. Result: at least one observer.
MethodSearch search_of(const std::optional<MethodSearch>& configured);

/// The index of the nearest; of equal ones, the first.
std::size_t best_of(std::span<const MethodTrial> trials, ResultMetric metric);

}  // namespace qprep
