#pragma once

#include <string>

#include "report/report.h"

namespace qprep {

/// model_check_result.txt up to its summary.
std::string text_of_plan(const Report& report);
/// The summary, which ends it.
std::string text_of_summary(const Report& report);

}  // namespace qprep
