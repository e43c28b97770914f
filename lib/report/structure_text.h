#pragma once

#include "report/page.h"
#include "report/report.h"

namespace qprep {

/// The first part of model_check_result.txt: which nodes are one kernel and which could be, what is gone, and
/// what stays float on the CPU.
void write_structure(const Report& report, Page& page);

}  // namespace qprep
