#pragma once

#include <vector>

#include "ir/graph.h"
#include "report/report.h"

namespace qprep {

/// Model::kept by replacement and reason, the most frequent first. Where sizes are not known, the reason
/// names the axes of the model's inputs that have no fixed size, if there are any. Then
/// Model::idle_replacements.
std::vector<ReportNotReplaced> not_replaced(const Model& model);

}  // namespace qprep
