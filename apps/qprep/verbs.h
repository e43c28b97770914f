#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "console.h"

/// The verbs of the command line, one file each: flags -> options -> driver -> exit status.
namespace qprep {

/// Exit statuses.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;

/// Runs a verb after its command line was parsed; returns the exit status. Throws Fatal; what was said before
/// is in the diagnostics.
using Verb = std::function<int(Console&, Diagnostics&)>;

/// Each adds its verb to `app`; where the command line names it, `chosen` and the verbosity are set.
void add_prepare(CLI::App& app, Verbosity& verbosity, Verb& chosen);
void add_calibrate(CLI::App& app, Verbosity& verbosity, Verb& chosen);
void add_stats(CLI::App& app, Verbosity& verbosity, Verb& chosen);
void add_samples(CLI::App& app, Verbosity& verbosity, Verb& chosen);
void add_check(CLI::App& app, Verbosity& verbosity, Verb& chosen);
void add_inspect(CLI::App& app, Verbosity& verbosity, Verb& chosen);
void add_explain(CLI::App& app, Verbosity& verbosity, Verb& chosen);
void add_config(CLI::App& app, Verbosity& verbosity, Verb& chosen);
void add_targets(CLI::App& app, Verbosity& verbosity, Verb& chosen);
void add_dump(CLI::App& app, Verbosity& verbosity, Verb& chosen);
void add_copy(CLI::App& app, Verbosity& verbosity, Verb& chosen);

/// -q, -v and, where the verb has a result to give, --json.
void add_verbosity(CLI::App& verb, Verbosity& verbosity, bool with_json);

}  // namespace qprep
