#include "plan/observer.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

namespace qprep {
namespace {

constexpr std::array<std::pair<Observer, std::string_view>, 12> kWords = {{
    {Observer::kAuto, "auto"},
    {Observer::kMinMax, "min_max"},
    {Observer::kMeanRange, "mean_range"},
    {Observer::kMovingAverage, "moving_average"},
    {Observer::kPercentile, "percentile"},
    {Observer::kKl, "kl"},
    {Observer::kMse, "mse"},
    {Observer::kMix, "mix"},
    {Observer::kClip, "clip"},
    {Observer::kClipStd, "clip_std"},
    {Observer::kLsq, "lsq"},
    {Observer::kPact, "pact"},
}};

/// Methods that a slot may name.
constexpr std::array<Observer, 4> kOfSlots = {Observer::kMse, Observer::kPercentile, Observer::kKl,
                                              Observer::kMix};

}  // namespace

std::string_view to_text(Observer observer) {
  return std::find_if(kWords.begin(), kWords.end(), [&](const auto& each) { return each.first == observer; })
      ->second;
}

std::optional<Observer> observer_from(std::string_view word) {
  for (const auto& [observer, text] : kWords) {
    if (text == word) return observer;
  }
  return std::nullopt;
}

std::vector<std::string> observer_words() {
  std::vector<std::string> words;
  for (const auto& [observer, text] : kWords) words.emplace_back(text);
  return words;
}

std::string to_text(const ObserverSpec& spec) {
  const std::string_view word = to_text(spec.observer);
  switch (spec.observer) {
    case Observer::kMovingAverage:
      return fmt::format("{} with constant {}", word, spec.averaging_constant);
    case Observer::kPercentile:
      return fmt::format("{} {}", word, spec.percentile);
    case Observer::kKl:
      return fmt::format("{}, {} bins", word, spec.bins);
    case Observer::kClip:
      return fmt::format("{} to {} to {}", word, spec.clip_min, spec.clip_max);
    case Observer::kClipStd:
      return fmt::format("{}, {} deviations", word, spec.deviations);
    case Observer::kPact:
      return fmt::format("{}, alpha {}", word, spec.alpha);
    case Observer::kLsq:
    case Observer::kAuto:
    case Observer::kMinMax:
    case Observer::kMeanRange:
    case Observer::kMse:
    case Observer::kMix:
      break;
  }
  return std::string(word);
}

std::optional<ObserverSpec> method_of_observer(std::string_view name) {
  for (const Observer each : kOfSlots) {
    if (to_text(each) == name) return ObserverSpec{.observer = each};
  }
  return std::nullopt;
}

std::vector<std::string> observers_with_method() {
  std::vector<std::string> words;
  for (const Observer each : kOfSlots) words.emplace_back(to_text(each));
  return words;
}

bool is_observer_of_weights(std::string_view name) {
  const auto observer = observer_from(name);
  return observer == Observer::kMinMax || observer == Observer::kMovingAverage || observer == Observer::kMse;
}

bool averages_samples(Observer observer) {
  return observer == Observer::kMeanRange || observer == Observer::kMovingAverage;
}

bool needs_histogram(Observer observer) {
  switch (observer) {
    case Observer::kMinMax:
    case Observer::kMeanRange:
    case Observer::kMovingAverage:
    case Observer::kClip:
    case Observer::kPact:
      return false;
    default:
      return true;
  }
}

}  // namespace qprep
