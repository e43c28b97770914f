#pragma once

#include <vector>

#include "config/hb_file.h"
#include "plan/preprocessing.h"

namespace qprep {

/// What `input_parameters` says of each input, in its order. Mistakes: another number of values than of
/// inputs; a mean, scale or standard deviation where the norm type wants none, or none where it wants one;
/// as many numbers as no picture has channels; pictures that cannot become those of the training.
std::vector<InputPreprocessing> read_hb_inputs(const HbFile& file, const HbKeys& keys,
                                               const Findings& findings);

}  // namespace qprep
