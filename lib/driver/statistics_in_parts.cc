#include "driver/statistics_in_parts.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <string>

#include "analysis/sample_digest.h"
#include "statistics/statistics_file.h"
#include "support/codes.h"
#include "support/interruption.h"

namespace qprep {
namespace {

constexpr std::size_t kParts = 8;

std::size_t parts_of(std::size_t samples) { return std::clamp<std::size_t>(samples, 1, kParts); }

/// Why these are not the samples that statistics are of; empty: they are.
std::string other_samples(const SampleSet& samples, const Statistics& statistics) {
  if (samples.size() != statistics.samples.size()) {
    return fmt::format("it has {} samples, and there are {} in this part now", statistics.samples.size(),
                       samples.size());
  }
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const SampleIdentity& there = statistics.samples[i];
    if (there.name != samples.name(i))
      return fmt::format("it has the sample {} instead of {}", there.name, samples.name(i));
    if (there.digest != digest_of(samples.load(i)))
      return fmt::format("the sample {} has changed since", there.name);
  }
  return "";
}

class Parts {
 public:
  Parts(const std::filesystem::path& file, const SampleSet& samples, const PartSource& source,
        Diagnostics& diagnostics)
      : file_(file), samples_(samples), source_(source), diagnostics_(diagnostics) {}

  StatisticsOfParts run() {
    const std::size_t parts = parts_of(samples_.size());
    std::optional<Statistics> all;
    for (std::size_t part = 1; part <= parts; ++part) {
      tell_kept(parts);
      Statistics one = get(part, parts);
      if (!all) {
        all = std::move(one);
      } else if (const auto why = merge(*all, one)) {
        throw Fatal(codes::kBadStatistics, *why, {part_file(file_, part, parts).string()});
      }
    }
    tell_kept(parts);
    return {std::move(*all), parts, found_};
  }

 private:
  /// Those of a run before that this one has yet to look at, too.
  void tell_kept(std::size_t parts) const {
    std::size_t kept = 0;
    for (std::size_t part = 1; part <= parts; ++part) {
      std::error_code none;
      if (std::filesystem::is_regular_file(part_file(file_, part, parts), none)) ++kept;
    }
    tell_kept_parts(kept, parts);
  }

  Statistics get(std::size_t part, std::size_t parts) {
    const std::filesystem::path file = part_file(file_, part, parts);
    check_target(file);
    if (std::filesystem::exists(file)) {
      if (auto there = found(file, part, parts)) return std::move(*there);
    }
    Statistics collected = source_.collect(part, parts);
    write_statistics(collected, file);
    return collected;
  }

  std::optional<Statistics> found(const std::filesystem::path& file, std::size_t part, std::size_t parts) {
    std::string why;
    try {
      Statistics there = source_.read(file);
      why = other_samples(samples_.share(part - 1, parts), there);
      if (why.empty()) {
        ++found_;
        return there;
      }
    } catch (const Fatal& failure) {
      why = failure.diagnostics().front().message;
    }
    diagnostics_.warning(codes::kBadStatistics, fmt::format("collected anew: {}", why), {file.string()});
    return std::nullopt;
  }

  const std::filesystem::path& file_;
  const SampleSet& samples_;
  const PartSource& source_;
  Diagnostics& diagnostics_;
  std::size_t found_ = 0;
};

}  // namespace

std::filesystem::path part_file(const std::filesystem::path& file, std::size_t part, std::size_t parts) {
  return fmt::format("{}.{}of{}", file.string(), part, parts);
}

StatisticsOfParts statistics_in_parts(const std::filesystem::path& file, const SampleSet& samples,
                                      const PartSource& source, Diagnostics& diagnostics) {
  return Parts(file, samples, source, diagnostics).run();
}

void remove_parts(const std::filesystem::path& file, std::size_t samples) {
  tell_kept_parts(0, 0);
  const std::size_t parts = parts_of(samples);
  for (std::size_t part = 1; part <= parts; ++part) {
    std::error_code ignored;
    std::filesystem::remove(part_file(file, part, parts), ignored);
  }
}

}  // namespace qprep
