#pragma once

#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "support/diagnostics.h"

namespace qprep {

struct Verbosity {
  bool quiet = false;    // only errors on stderr, no summary on stdout
  bool verbose = false;  // notes too
  bool json = false;     // the result as JSON on stdout
};

/// Results go to stdout, everything else to stderr; colours only where stderr is a terminal.
class Console {
 public:
  explicit Console(const Verbosity& verbosity);

  const Verbosity& verbosity() const { return verbosity_; }
  /// How a long run tells how far it is: not at all if quiet; in one line that is drawn over and over on a
  /// terminal; else in a line of its own every progress_interval().
  enum class Progress { kNone, kLine, kLines };
  Progress progress() const { return progress_; }
  /// QPREP_PROGRESS, in seconds; 30 if that is no number (a warning). 0 there: kNone where there is no
  /// terminal.
  std::chrono::milliseconds progress_interval() const { return progress_interval_; }

  /// Writes a result. Throws Fatal(file-access) where stdout takes no more; a reader that went away is no
  /// failure.
  void print(std::string_view text) const;
  void print_json(const nlohmann::ordered_json& json) const;

  /// Says on stderr what the verbosity lets through: errors always, warnings unless quiet, notes if verbose.
  void say(const std::vector<Diagnostic>& diagnostics) const;
  void say(const Diagnostic& diagnostic) const;
  /// A hint on stderr, as it is; nothing if quiet.
  void hint(std::string_view text) const;

 private:
  Verbosity verbosity_;
  bool colours_ = false;
  Progress progress_ = Progress::kNone;
  std::chrono::milliseconds progress_interval_;
};

}  // namespace qprep
