#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace qprep {

/// How far a long run is.
struct Progress {
  std::string_view doing;           // the stage: "calibrating"
  std::size_t done = 0, total = 0;  // of it, samples for instance; total 0: how much is not known
  double done_seconds = 0;          // that the stage took for what is done
  double seconds = 0;               // and so far
  double all_seconds = 0;           // the whole run
};

/// How long the stage will still take if it goes on as before; nullopt: nothing is done of it, less than a
/// second passed, or more than that should take.
std::optional<double> seconds_left(const Progress& progress);

/// "calibrating [======>             ] 23/64, 12 s left"; of a stage whose end is not known
/// "explaining, 7 s so far". Without the bar where the terminal has no `columns` for it, and cut off where
/// they do not suffice at all.
std::string progress_bar(const Progress& progress, std::size_t columns);

/// The same for a log: "calibrating: 23 of 64 (35 %), 12 s left".
std::string progress_sentence(const Progress& progress);

/// "12 s", "3 min 20 s", "2 h 5 min".
std::string duration_text(double seconds);

}  // namespace qprep
