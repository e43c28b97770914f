#include "console.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <optional>
#include <system_error>
#include <unistd.h>

#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

constexpr std::chrono::milliseconds kUsualInterval{30000};

/// nullopt: it is no number of seconds.
std::optional<std::chrono::milliseconds> interval_of(std::string_view seconds) {
  constexpr double kMost = 86400;
  if (seconds.empty()) return kUsualInterval;
  double number = 0;
  const auto [end, error] = std::from_chars(seconds.data(), seconds.data() + seconds.size(), number);
  if (error != std::errc() || end != seconds.data() + seconds.size() || !(number >= 0)) return std::nullopt;
  return std::chrono::milliseconds(std::llround(1000 * std::min(number, kMost)));
}

std::string_view colour_of(Severity severity) {
  switch (severity) {
    case Severity::kNote:
      return "\x1b[1;36m";
    case Severity::kWarning:
      return "\x1b[1;35m";
    case Severity::kError:
      break;
  }
  return "\x1b[1;31m";
}

}  // namespace

Console::Console(const Verbosity& verbosity) : verbosity_(verbosity), progress_interval_(kUsualInterval) {
  const bool terminal = isatty(STDERR_FILENO) == 1;
  colours_ = terminal && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
  if (verbosity.quiet) return;
  const std::string_view wanted = variable("QPREP_PROGRESS");
  if (const auto interval = interval_of(wanted)) {
    progress_interval_ = *interval;
  } else {
    say({Severity::kWarning,
         codes::kBadValue,
         fmt::format("QPREP_PROGRESS is '{}', and no number of seconds: {} it is", wanted,
                     kUsualInterval / std::chrono::seconds(1)),
         {}});
  }
  const bool draws = terminal && variable("TERM") != "dumb";
  const bool tells = progress_interval_ > std::chrono::milliseconds::zero();
  progress_ = draws ? Progress::kLine : tells ? Progress::kLines : Progress::kNone;
}

void Console::print(std::string_view text) const {
  errno = 0;
  const bool whole =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!whole && errno != EPIPE) {
    throw Fatal(codes::kFileAccess, "cannot write the result to standard output: " + error_text(errno));
  }
}

void Console::print_json(const nlohmann::ordered_json& json) const {
  print(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void Console::say(const std::vector<Diagnostic>& diagnostics) const {
  for (const Diagnostic& diagnostic : diagnostics) say(diagnostic);
}

void Console::say(const Diagnostic& diagnostic) const {
  if (diagnostic.severity == Severity::kNote && !verbosity_.verbose) return;
  if (diagnostic.severity != Severity::kError && verbosity_.quiet) return;
  std::string text = to_text(diagnostic);
  if (colours_) {
    const std::string word = fmt::format("{}:", to_text(diagnostic.severity));
    const std::size_t at = text.find(word, to_text(diagnostic.where).size());
    if (at != std::string::npos) {
      text.replace(at, word.size(), fmt::format("{}{}\x1b[0m", colour_of(diagnostic.severity), word));
    }
  }
  fmt::print(stderr, "{}\n", text);
}

void Console::hint(std::string_view text) const {
  if (!verbosity_.quiet) fmt::print(stderr, "{}\n", text);
}

}  // namespace qprep
