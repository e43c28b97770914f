#pragma once

#include <string>

#include "report/report.h"

namespace qprep {

/// model_check_result.txt up to its messages.
std::string text_of_plan(const Report& report);
/// The messages; empty if there are none.
std::string text_of_diagnostics(const Report& report);
/// The summary, which ends it.
std::string text_of_summary(const Report& report);

}  // namespace qprep
