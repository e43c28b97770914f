#pragma once

#include <span>
#include <string>

#include "config/config.h"
#include "report/report.h"

namespace qprep {

/// How the configuration is told to have the most costly tensors in int16, or in float: in the keys of its
/// own form, at the place where they count. Given: sensitivity.any(). `table`: the file of to_csv, as the
/// configuration can name it.
SensitivityAdvice advice_of(const Sensitivity& sensitivity, const Config& config,
                            std::span<const ReportNode> nodes, std::string table);

}  // namespace qprep
