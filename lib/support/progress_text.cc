#include "support/progress_text.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>

namespace qprep {
namespace {

/// What follows a count: the time left, or that since the beginning.
std::string time_text(const Progress& progress) {
  const std::optional<double> left = seconds_left(progress);
  return left ? duration_text(*left) + " left" : duration_text(progress.all_seconds) + " so far";
}

}  // namespace

std::optional<double> seconds_left(const Progress& progress) {
  if (progress.done == 0 || progress.total == 0 || progress.seconds < 1) return std::nullopt;
  const auto done = static_cast<double>(progress.done);
  const auto rest = static_cast<double>(progress.total - std::min(progress.done, progress.total));
  const double left = progress.done_seconds * (1 + rest / done) - progress.seconds;
  return left >= 0 ? std::optional(left) : std::nullopt;
}

std::string progress_bar(const Progress& progress, std::size_t columns) {
  constexpr std::size_t kBar = 20;
  std::string line(progress.doing);
  if (progress.total > 0) {
    const std::string count = fmt::format(" {}/{}, {}", progress.done, progress.total, time_text(progress));
    const std::size_t filled = std::min(progress.done, progress.total) * kBar / progress.total;
    const std::string tip = filled < kBar ? ">" : "";
    const std::string bar =
        fmt::format(" [{}{}{}]", std::string(filled, '='), tip, std::string(kBar - filled - tip.size(), ' '));
    if (line.size() + bar.size() + count.size() < columns) line += bar;
    line += count;
  } else {
    line += ", " + time_text(progress);
  }
  if (columns > 0 && line.size() >= columns) line.resize(columns - 1);
  return line;
}

std::string progress_sentence(const Progress& progress) {
  if (progress.total == 0) return fmt::format("{}, {}", progress.doing, time_text(progress));
  return fmt::format("{}: {} of {} ({} %), {}", progress.doing, progress.done, progress.total,
                     progress.done * 100 / progress.total, time_text(progress));
}

std::string duration_text(double seconds) {
  const auto all = static_cast<std::int64_t>(std::llround(std::min(seconds, 1e15)));
  const std::int64_t minutes = all / 60, hours = minutes / 60;
  if (hours > 0) return fmt::format("{} h {} min", hours, minutes % 60);
  if (minutes > 0) return fmt::format("{} min {} s", minutes, all % 60);
  return fmt::format("{} s", all);
}

}  // namespace qprep
