#pragma once

#include <string>
#include <vector>

#include "plan/plan.h"

namespace qprep {

/// The operators that read what a unit with a weight makes, sorted: "PRelu", "SiLU"; "output" where the model
/// does. Empty: of any other unit, or nothing reads it.
std::vector<std::string> ends_before(const Unit& unit, const Plan& plan);

}  // namespace qprep
