#pragma once

#include <string>

#include "config/config.h"
#include "plan/plan.h"

namespace qprep {

/// Result: reasons and remedies of the plan speak of the keys of the tool that the configuration was written
/// for, since its files take no others.
void say_in_own_keys(const Config& config, Plan& plan);
/// The same of one sentence.
void say_in_own_keys(const Config& config, std::string& text);

}  // namespace qprep
