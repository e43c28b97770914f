#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "statistics/tensor_statistics.h"
#include "support/diagnostics.h"

/// The verbs `qprep stats ...` as functions.
namespace qprep {

/// Statistics of several files as one, as if one run had seen all their samples. Given: at least one file.
/// Fatal (bad-statistics): a file that is none, or two that do not belong together, with both names.
/// Diagnostics: samples that a file before has under other names, since each counts twice.
Statistics merge_statistics(const std::vector<std::filesystem::path>& files, Diagnostics& diagnostics);

/// What was observed: the model, the samples, and a line for each tensor.
std::string to_text(const Statistics& statistics);
nlohmann::ordered_json to_json(const Statistics& statistics);

/// One tensor in detail: its range and that of each sample, percentiles, a plot, channels. Fatal
/// (bad-statistics): there is none of that name, with the nearest one.
std::string tensor_text(const Statistics& statistics, const std::string& tensor, const std::string& file);
nlohmann::ordered_json tensor_json(const Statistics& statistics, const std::string& tensor,
                                   const std::string& file);

}  // namespace qprep
