#include "samples/judge_samples.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>
#include <string_view>

#include "support/codes.h"

namespace qprep {
namespace {

constexpr std::size_t kFewSamples = 20;
/// How far beyond a promise numbers may reach, and what part of it they must reach.
constexpr double kFarAbove = 4, kFarBelow = 1.0 / 32;
/// Numbers after mean and scale do not reach this far, in any usual preprocessing but 0 to 255 itself.
constexpr double kNormalised = 8;
/// Black is at least so far below zero where something is taken from pixels; of pixels from 0 to 1, the
/// brightest is above that.
constexpr double kNegative = -0.4, kSomeOfOne = 0.25;
/// Samples that differ from all others: at most a tenth (one of fewer than 20), and so many times as far; the
/// others are at least so many.
constexpr std::size_t kFewOf = 10, kFewestAlike = 4;
constexpr double kFarBeyond = 10;
/// What is left of 0 to 255 by any usual mean and scale: 1 (0 to 1) to 255, and some to spare.
constexpr double kWidest = 256, kNarrowest = 1.0 / 32;

std::string range_text(const Spread& spread) {
  return fmt::format("{:.4g} to {:.4g}", spread.min, spread.max);
}

/// Of a mean or scale with a number for each channel, one for all, or none.
double number_of(const std::vector<double>& numbers, std::size_t channel, double none) {
  return numbers.empty() ? none : numbers.size() == 1 ? numbers.front() : numbers[channel];
}

std::string numbers_text(std::string_view word, std::vector<double> numbers, double factor) {
  if (numbers.empty()) return "";
  for (double& each : numbers) each *= factor;
  return fmt::format("{} {:.6g}", word, fmt::join(numbers, " "));
}

/// "mean 0.485 0.456 0.406 and scale 4.36681"; the one that is there.
std::string both_text(const std::vector<double>& mean, double mean_factor, const std::vector<double>& scale,
                      double scale_factor) {
  const std::string a = numbers_text("mean", mean, mean_factor),
                    b = numbers_text("scale", scale, scale_factor);
  return a + (a.empty() || b.empty() ? "" : " and ") + b;
}

/// The preprocessing itself, where something is made by it.
void judge_doubt(const std::string& input, std::span<const InputFacts* const> facts, const Promise& promise,
                 Diagnostics& diagnostics) {
  const auto is_made = [](const InputFacts* each) { return each->preprocessed || each->in_file; };
  if (promise.doubt.empty() || std::none_of(facts.begin(), facts.end(), is_made)) return;
  diagnostics.warning(codes::kBadSample, fmt::format("input '{}': {}", input, promise.doubt), promise.where);
}

void judge_promise(const std::string& input, std::span<const InputFacts* const> facts, const Promise& promise,
                   Diagnostics& diagnostics) {
  const double promised = std::max(std::fabs(promise.low), std::fabs(promise.high));
  Spread seen;
  const InputFacts* farthest = nullptr;
  for (const InputFacts* each : facts) {
    if (each->preprocessed) continue;
    const Spread& spread = stored(*each).all;
    if (!spread.seen()) continue;
    if (!farthest || spread.magnitude() > stored(*farthest).all.magnitude()) farthest = each;
    seen.merge(spread);
  }
  if (!farthest || promised <= 0) return;
  const bool above = seen.magnitude() > kFarAbove * promised, below = seen.magnitude() < kFarBelow * promised;
  const bool between = promise.low < kNegative && seen.min >= 0 && seen.max <= 1 && seen.max > kSomeOfOne;
  if (!above && !below && !between) return;
  const bool pixels = above && stored(*farthest).pixels();
  diagnostics.warning(codes::kBadSample,
                      fmt::format("the samples of input '{}' range from {}, and {} {:.4g} to {:.4g}{}", input,
                                  range_text(seen), promise.because, promise.low, promise.high,
                                  pixels    ? ": these are pixels before mean and scale"
                                  : below   ? ": is something done to them twice?"
                                  : between ? ": these are pixels from 0 to 1 before mean and scale"
                                            : ""),
                      {farthest->file, 0, 0});
}

/// A few samples reach so far beyond all others, with none between, that they are of another kind.
void judge_reach(const std::string& input, std::vector<const InputFacts*> facts, Diagnostics& diagnostics) {
  const auto is_of_no_use = [](const InputFacts* each) { return !each->fed.all.seen(); };
  const auto is_whole = [](const InputFacts* each) { return each->fed.whole; };
  std::erase_if(facts, is_of_no_use);
  if (std::all_of(facts.begin(), facts.end(), is_whole)) return;
  const auto reach = [](const InputFacts* each) { return each->fed.all.magnitude(); };
  std::ranges::stable_sort(facts, {}, reach);
  const std::size_t few = std::max<std::size_t>(1, facts.size() / kFewOf);
  for (std::size_t i = facts.size() > few ? facts.size() - few : facts.size(); i < facts.size(); ++i) {
    const double others = reach(facts[i - 1]), here = reach(facts[i]);
    if (i < kFewestAlike || others <= 0 || here < kFarBeyond * others) continue;
    const std::size_t far = facts.size() - i;
    diagnostics.warning(
        codes::kBadSample,
        fmt::format("{} of {} samples of input '{}' {} to {:.4g}, and no other beyond {:.4g}: prepared in "
                    "another way? Ranges, and what is said of results, are theirs",
                    far, facts.size(), input, far == 1 ? "reaches" : "reach", here, others),
        {facts[i]->file, 0, 0});
    return;
  }
}

/// Some samples hold pixels, and the others what a network is usually fed. Result: whether it is so.
bool judge_mixture(const std::string& input, std::span<const InputFacts* const> facts,
                   Diagnostics& diagnostics) {
  std::vector<const InputFacts*> pixels, normalised;
  for (const InputFacts* each : facts) {
    if (each->fed.dims.size() != 4 || !each->fed.all.seen()) continue;
    if (each->fed.pixels()) pixels.push_back(each);
    if (!each->fed.whole && each->fed.all.magnitude() <= kNormalised) normalised.push_back(each);
  }
  if (pixels.empty() || normalised.empty()) return false;
  Spread some, others;
  const bool pixels_are_few = pixels.size() <= normalised.size();
  for (const InputFacts* each : pixels) some.merge(each->fed.all);
  for (const InputFacts* each : normalised) others.merge(each->fed.all);
  diagnostics.warning(
      codes::kBadSample,
      fmt::format("{} of {} samples of input '{}' hold pixels ({}), and {} numbers from {}: they were "
                  "prepared in different ways",
                  pixels.size(), facts.size(), input, range_text(some), normalised.size(),
                  range_text(others)),
      {(pixels_are_few ? pixels : normalised).front()->file, 0, 0});
  return true;
}

}  // namespace

const TensorFacts& stored(const InputFacts& facts) { return facts.in_file ? *facts.in_file : facts.fed; }

std::string doubt_about(const std::vector<double>& mean, const std::vector<double>& scale) {
  double low = INFINITY, high = -INFINITY, widest = 0, narrowest = INFINITY, most = 0;
  for (std::size_t i = 0; i < std::max({mean.size(), scale.size(), std::size_t{1}}); ++i) {
    const double taken = number_of(mean, i, 0), times = number_of(scale, i, 1);
    low = std::min({low, 0.0 - taken * times, (255 - taken) * times});
    high = std::max({high, -taken * times, (255 - taken) * times});
    widest = std::max(widest, 255 * std::fabs(times));
    narrowest = std::min(narrowest, 255 * std::fabs(times));
    most = std::max(most, taken);
  }
  const bool small_mean = most > 0 && most<1, large_scale = widest> kWidest;
  if (!small_mean && !large_scale && most <= 255 && narrowest >= kNarrowest) return "";
  const std::string made = fmt::format("with {}, pixels, which are 0 to 255 here, become {:.4g} to {:.4g}",
                                       both_text(mean, 1, scale, 1), low, high);
  if (small_mean || (large_scale && most <= 1)) {
    return fmt::format("{}; numbers for pixels of 0 to 1 are here {}", made,
                       both_text(mean, small_mean ? 255 : 1, scale, large_scale ? 1 / 255.0 : 1));
  }
  if (most > 255) return made + "; the mean is above all of them";
  return large_scale ? made + "; the scale (1 / std) makes them more, not less"
                     : made + "; are they divided by 255 twice?";
}

void judge_count(std::size_t samples, const std::string& where, Diagnostics& diagnostics) {
  if (samples >= kFewSamples) return;
  diagnostics.warning(
      codes::kBadSample,
      fmt::format("{} sample{} may not show what ranges the model's tensors have; {} are few, 64 "
                  "are a good number",
                  samples, samples == 1 ? "" : "s", kFewSamples),
      {where, 0, 0});
}

void judge_samples(std::span<const SampleFacts> samples, std::span<const std::string> digests,
                   const std::map<std::string, Promise>& promises, const std::string& where,
                   Diagnostics& diagnostics) {
  if (digests.size() > 1 && std::set<std::string>(digests.begin(), digests.end()).size() == 1) {
    diagnostics.warning(codes::kBadSample,
                        fmt::format("all {} samples are the same, byte for byte", digests.size()),
                        {where, 0, 0});
  }
  std::map<std::string, std::vector<const InputFacts*>> by_input;
  for (const SampleFacts& sample : samples) {
    for (const auto& [input, facts] : sample) by_input[input].push_back(&facts);
  }
  for (const auto& [input, facts] : by_input) {
    if (const auto promise = promises.find(input); promise != promises.end()) {
      judge_doubt(input, facts, promise->second, diagnostics);
      judge_promise(input, facts, promise->second, diagnostics);
      judge_reach(input, facts, diagnostics);
    } else if (!judge_mixture(input, facts, diagnostics)) {
      judge_reach(input, facts, diagnostics);
    }
  }
}

}  // namespace qprep
