#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How calibration finds the range of a tensor that its integers cover. statistics/observers.h has the
/// formulas.
namespace qprep {

enum class Observer {
  kAuto,
  kMinMax,
  kMeanRange,
  kMovingAverage,
  kPercentile,
  kKl,
  kMse,
  kMix,
  kClip,
  kClipStd,
  kLsq,
  kPact
};

/// The words of configurations: "auto", "min_max", "mean_range", "moving_average", "percentile", "kl", "mse",
/// "mix", "clip", "clip_std", "lsq", "pact".
std::string_view to_text(Observer observer);
std::optional<Observer> observer_from(std::string_view word);
std::vector<std::string> observer_words();

struct ObserverSpec {
  Observer observer = Observer::kAuto;
  double averaging_constant = 0.01;    // moving_average: 0 to 1
  double percentile = 99.99;           // percentile, mix: 50 to 100
  int bins = 2048;                     // kl, mix: from 0 to the largest magnitude
  double clip_min = -1, clip_max = 1;  // clip
  double deviations = 2;               // clip_std
  double alpha = 6;                    // pact: > 0

  friend bool operator==(const ObserverSpec&, const ObserverSpec&) = default;
};
/// "percentile 99.99"; "kl, 2048 bins".
std::string to_text(const ObserverSpec& spec);
/// What the observer of a slot or a FakeQuantize means for calibration: "mse", "percentile", "kl" and "mix"
/// are methods, with their usual numbers; nullopt: "min_max", "moving_average" and whatever else belongs to
/// training alone.
std::optional<ObserverSpec> method_of_observer(std::string_view name);
/// The words for which it has one.
std::vector<std::string> observers_with_method();
/// "min_max", "moving_average" (the same, for what never changes) and "mse".
bool is_observer_of_weights(std::string_view name);
/// It asks the ranges of single samples: mean_range, moving_average.
bool averages_samples(Observer observer);
/// It asks the histogram, not the ranges alone.
bool needs_histogram(Observer observer);

}  // namespace qprep
