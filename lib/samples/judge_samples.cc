#include "samples/judge_samples.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <set>

#include "support/codes.h"

namespace qprep {
namespace {

constexpr std::size_t kFewSamples = 20;
/// How far beyond a promise numbers may reach, and what part of it they must reach.
constexpr double kFarAbove = 4, kFarBelow = 1.0 / 32;
/// Numbers after mean and scale do not reach this far, in any usual preprocessing but 0 to 255 itself.
constexpr double kNormalised = 8;

std::string range_text(const Spread& spread) {
  return fmt::format("{:.4g} to {:.4g}", spread.min, spread.max);
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
  if (!above && !below) return;
  const bool pixels = above && stored(*farthest).pixels();
  diagnostics.warning(codes::kBadSample,
                      fmt::format("the samples of input '{}' range from {}, and {} {:.4g} to {:.4g}{}", input,
                                  range_text(seen), promise.because, promise.low, promise.high,
                                  pixels  ? ": these are pixels before mean and scale"
                                  : below ? ": is something done to them twice?"
                                          : ""),
                      {farthest->file, 0, 0});
}

/// Some samples hold pixels, and the others what a network is usually fed.
void judge_mixture(const std::string& input, std::span<const InputFacts* const> facts,
                   Diagnostics& diagnostics) {
  std::vector<const InputFacts*> pixels, normalised;
  for (const InputFacts* each : facts) {
    if (each->fed.dims.size() != 4 || !each->fed.all.seen()) continue;
    if (each->fed.pixels()) pixels.push_back(each);
    if (!each->fed.whole && each->fed.all.magnitude() <= kNormalised) normalised.push_back(each);
  }
  if (pixels.empty() || normalised.empty()) return;
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
}

}  // namespace

const TensorFacts& stored(const InputFacts& facts) { return facts.in_file ? *facts.in_file : facts.fed; }

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
      judge_promise(input, facts, promise->second, diagnostics);
    } else {
      judge_mixture(input, facts, diagnostics);
    }
  }
}

}  // namespace qprep
