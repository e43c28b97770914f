#pragma once

#include <vector>

#include "target/quantity.h"

namespace qprep {

/// Every quantity but attributes, by name.
const std::vector<Quantity>& catalogue();

}  // namespace qprep
