#pragma once

#include <string>

#include "report/report.h"

namespace qprep {

/// model_check_result.txt up to what the run did after the plan.
std::string text_of_plan(const Report& report);
/// What the run rewrote, and its messages; empty if there is neither.
std::string text_of_run(const Report& report);
/// The summary, which ends it.
std::string text_of_summary(const Report& report);

}  // namespace qprep
