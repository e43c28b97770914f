#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "plan/observer.h"
#include "report/calibrated.h"

/// `calibration.method: auto` with samples: one observer for all tensors, that with which the quantised
/// model's results are nearest to the float one's.
namespace qprep {

/// Those that are compared. Of equally good ones, the first is taken.
std::vector<ObserverSpec> auto_observers();

/// The index of the least error; of equal ones, the first.
std::size_t best_of(std::span<const MethodTrial> trials);

}  // namespace qprep
