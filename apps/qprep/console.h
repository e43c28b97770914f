#pragma once

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
  bool shows_progress() const { return shows_progress_; }

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
  bool shows_progress_ = false;
};

}  // namespace qprep
