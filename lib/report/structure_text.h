#pragma once

#include "report/page.h"
#include "report/report.h"

namespace qprep {

/// The first part of model_check_result.txt: which nodes are one kernel and which could be, what is gone, and
/// what stays float on the CPU.
void write_structure(const Report& report, Page& page);

/// Nodes that were put in, by their operators: how many, the first of them, and whom they help.
Table table_of(const std::vector<ReportPutIn>& put_in);

}  // namespace qprep
