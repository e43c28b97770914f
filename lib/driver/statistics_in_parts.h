#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "samples/samples.h"
#include "statistics/tensor_statistics.h"
#include "support/diagnostics.h"

namespace qprep {

/// Where the parts of statistics lie until all are there: beside the file, "model.qcal.3of8".
std::filesystem::path part_file(const std::filesystem::path& file, std::size_t part, std::size_t parts);

/// How a part is collected, and read again.
struct PartSource {
  std::function<Statistics(std::size_t part, std::size_t parts)> collect;
  /// Fatal: the file is broken, or not of this model and configuration.
  std::function<Statistics(const std::filesystem::path& file)> read;
};

struct StatisticsOfParts {
  Statistics statistics;
  std::size_t parts = 0;
  std::size_t found = 0;  // that were there from a run before
};

/// Statistics of all samples, collected in at most 8 parts, each of which is a file until all are there, so
/// that a run that was interrupted can be taken up. A part that is there already is read instead of
/// collected, if it fits and the samples of the part are the ones that it has, byte for byte; else it is
/// collected anew, with a warning that says why. A signal that ends the run tells how many are kept.
/// Fatal (overwrites-input): a file of a part's name is no .qcal file.
StatisticsOfParts statistics_in_parts(const std::filesystem::path& file, const SampleSet& samples,
                                      const PartSource& source, Diagnostics& diagnostics);

/// Removes them.
void remove_parts(const std::filesystem::path& file, std::size_t samples);

}  // namespace qprep
