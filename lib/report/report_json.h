#pragma once

#include <string>

#include "report/report.h"

namespace qprep {

/// model_check_result.json up to what the run did after the plan, a line for each node.
std::string json_of_plan(const Report& report);
/// The rest of it.
std::string json_of_run(const Report& report);

}  // namespace qprep
