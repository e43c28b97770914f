#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "statistics/observers.h"
#include "statistics/statistics_file.h"
#include "support/diagnostics.h"
#include "support/sentence.h"

namespace qprep::test {

/// What must hold of any bytes behind the checksum of a .qcal file: they are refused with a sentence, or are
/// statistics that are written as the same again and of which every method of calibration makes a range.
/// std::logic_error with what does not hold. Of a whole file, what is behind its checksum counts.
inline void check_statistics(std::string_view bytes) {
  constexpr std::size_t kHead = 9, kDigest = 32;
  const auto require = [](bool holds, const std::string& what) {
    if (!holds) throw std::logic_error(what);
  };
  if (bytes.starts_with("QPREPCAL") && bytes.size() >= kHead + kDigest) bytes.remove_prefix(kHead + kDigest);
  const std::string file =
      to_bytes({}).substr(0, kHead) + digest_of(std::as_bytes(std::span(bytes))) + std::string(bytes);
  const auto by_name = [](const SampleIdentity& a, const SampleIdentity& b) { return a.name < b.name; };
  Statistics read;
  try {
    read = statistics_from_bytes(file, "f.qcal");
  } catch (const Fatal& refused) {
    for (const Diagnostic& each : refused.diagnostics())
      require(is_sentence(to_text(each), 5 * bytes.size() + 4000), "no sentence: " + each.message);
    return;
  }
  const std::string written = to_bytes(read);
  require(to_bytes(statistics_from_bytes(written, "f.qcal")) == written, "what is written reads as others");
  Statistics more = read, all = read;
  for (SampleIdentity& sample : more.samples) sample.name += "~";
  const bool apart = std::is_sorted(more.samples.begin(), more.samples.end(), by_name);
  if (apart && !merge(all, more)) statistics_from_bytes(to_bytes(all), "f.qcal");
  for (const TensorStatistics& tensor : read.tensors) {
    for (const std::string& word : observer_words()) {
      const Observer observer = *observer_from(word);
      if (needs_histogram(observer) && !read.histograms) continue;
      for (const bool symmetric : {true, false}) {
        ObserverSpec spec;
        spec.observer = observer;
        spec.bins = 256;
        const Range range = observe(tensor, spec, {.symmetric = symmetric}, range_of(Precision::kInt8)).range;
        const bool usable = range.finite > 0 && range.all_finite();
        require(!usable || (std::isfinite(range.min) && std::isfinite(range.max) && range.min <= range.max),
                "no range by " + word);
        for (const ChannelEnds& ends : averages_of_channels(tensor, spec)) {
          require(std::isfinite(ends.min) && std::isfinite(ends.max) && ends.min <= ends.max,
                  "no range of a channel by " + word);
        }
      }
    }
  }
}

}  // namespace qprep::test
