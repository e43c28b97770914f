#pragma once

#include "ir/graph.h"
#include "report/report.h"

namespace qprep {

/// Result: report.gone and report.became tell of each node of Model::gone once, by what it was in the file.
void add_gone(const Model& model, Report& report);

}  // namespace qprep
