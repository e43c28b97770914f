#pragma once

#include "samples/samples.h"
#include "statistics/digest.h"

namespace qprep {

/// Of all that a model is fed for one sample: names, types, sizes and numbers; of each step, but for the
/// states that the model makes.
Digest digest_of(const Sample& sample);

}  // namespace qprep
