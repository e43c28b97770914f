#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "statistics/tensor_statistics.h"

/// .qcal: statistics as a file. docs/calibration.md has the format.
namespace qprep {

/// The bytes of the file; equal statistics have equal bytes.
std::string to_bytes(const Statistics& statistics);

/// Throws Fatal (bad-statistics) with what is wrong: no .qcal file, of a newer version, cut off, changed (the
/// checksum), or contradicting itself (histograms of other counts than the samples, ranges of no numbers).
/// `name` is what messages call it.
Statistics statistics_from_bytes(std::string_view bytes, const std::string& name);

/// Fatal (overwrites-input): there is a file that is no .qcal file. Nothing is written then. Also to be asked
/// before anything long begins.
void check_target(const std::filesystem::path& file);
/// Given: check_target(file).
void write_statistics(const Statistics& statistics, const std::filesystem::path& file);
Statistics read_statistics(const std::filesystem::path& file);

}  // namespace qprep
