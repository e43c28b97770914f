#pragma once

#include <vector>

#include "report/report.h"

namespace qprep {

/// The nodes that add two results, in graph order, and which layer took each in, or why none did. Those that
/// are part of a composite operator or no part of any unit, shape arithmetic for one, are left out.
std::vector<ReportSum> sums_of(const Graph& graph, const Plan& plan);

}  // namespace qprep
