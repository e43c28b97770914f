#pragma once

#include "runtime/session.h"
#include "statistics/digest.h"

namespace qprep {

/// Of all that a model is fed for one sample: names, types, sizes and numbers.
Digest digest_of(const Feeds& feeds);

}  // namespace qprep
