#include "statistics/observers.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "statistics/kl_threshold.h"
#include "statistics/value_density.h"

namespace qprep {
namespace {

struct Ends {
  double low = 0, high = 0;
};

/// One tensor, one way of making integers.
class Finder {
 public:
  Finder(const TensorStatistics& tensor, const Scheme& scheme, QuantRange range)
      : tensor_(tensor), all_(tensor.range()), scheme_(scheme), range_(range) {
    if (!tensor.histogram.empty()) density_.emplace(tensor.histogram, all_);
  }

  const Range& all() const { return all_; }

  Ends ends_for(const ObserverSpec& spec) const {
    switch (spec.observer) {
      case Observer::kMinMax:
        return whole();
      case Observer::kMeanRange:
        return mean_range();
      case Observer::kMovingAverage:
        return moving_average(spec.averaging_constant);
      case Observer::kPercentile:
        return percentile(spec.percentile / 100.0);
      case Observer::kKl:
        return within(kl(spec.bins));
      case Observer::kAuto:
      case Observer::kMse:
        return least_error();
      case Observer::kClip:
        return {std::clamp(whole().low, spec.clip_min, spec.clip_max),
                std::clamp(whole().high, spec.clip_min, spec.clip_max)};
      case Observer::kClipStd:
        return deviations(spec.deviations);
      case Observer::kLsq:
        return learned_step();
      case Observer::kPact:
        return {scheme_.symmetric && scheme_.is_signed ? -spec.alpha : 0.0, spec.alpha};
      case Observer::kMix:
        break;
    }
    return whole();
  }

  /// infinity: there is no scale for these ends.
  double error(const Ends& ends) const {
    const auto to = scale_for(static_cast<float>(ends.low), static_cast<float>(ends.high), scheme_, range_);
    return to ? density_->quantisation_error(*to, range_) : std::numeric_limits<double>::infinity();
  }
  bool has_density() const { return density_.has_value(); }
  double mean_square() const { return density_->mean_square(); }

 private:
  Ends whole() const { return {static_cast<double>(all_.min), static_cast<double>(all_.max)}; }
  double magnitude() const { return static_cast<double>(all_.magnitude()); }
  Ends within(double threshold) const {
    return {std::max(whole().low, -threshold), std::min(whole().high, threshold)};
  }

  Ends mean_range() const {
    Ends sum;
    double samples = 0;
    for (const Range& sample : tensor_.by_sample) {
      if (sample.finite == 0) continue;
      sum.low += static_cast<double>(sample.min);
      sum.high += static_cast<double>(sample.max);
      ++samples;
    }
    return samples > 0 ? Ends{sum.low / samples, sum.high / samples} : whole();
  }

  Ends moving_average(double constant) const {
    std::optional<Ends> average;
    for (const Range& sample : tensor_.by_sample) {
      if (sample.finite == 0) continue;
      const Ends seen{static_cast<double>(sample.min), static_cast<double>(sample.max)};
      if (average) {
        average->low += constant * (seen.low - average->low);
        average->high += constant * (seen.high - average->high);
      } else {
        average = seen;
      }
    }
    return average.value_or(whole());
  }

  Ends percentile(double share) const {
    if (!scheme_.symmetric) return {density_->quantile(1.0 - share), density_->quantile(share)};
    return within(density_->of_magnitudes().quantile(share));
  }

  Ends learned_step() const {
    if (!scheme_.symmetric) {
      const double middle = density_->mean(), reach = 3 * density_->standard_deviation();
      return {middle - reach, middle + reach};
    }
    const double quant_max = range_.max;
    const double scale = 2 * density_->of_magnitudes().mean() / std::sqrt(quant_max);
    // The range that gives this scale, scale_for().
    const double t = scale * (scheme_.is_signed ? (quant_max - range_.min) / 2 : quant_max);
    return {scheme_.is_signed ? -t : 0.0, t};
  }

  Ends deviations(double count) const {
    const double middle = density_->mean(), reach = count * density_->standard_deviation();
    return {std::max(whole().low, middle - reach), std::min(whole().high, middle + reach)};
  }

  double kl(int bins) const {
    const int levels = scheme_.is_signed ? range_.max + 1 : range_.max - range_.min + 1;
    if (levels >= bins) return magnitude();
    return kl_threshold(
        density_->of_magnitudes().linear_histogram(static_cast<std::size_t>(bins), magnitude()), magnitude(),
        levels);
  }

  Ends least_error() const {
    Ends best = whole();
    if (scheme_.symmetric) {
      const double t = shortened(magnitude(), [](double end) { return Ends{-end, end}; });
      // A little more than all, so that the largest number is the largest integer.
      const double exact = magnitude() * (range_.max - range_.min) / (2.0 * range_.max);
      const double longer = exact / magnitude();
      if (t == magnitude() && error({-exact, exact}) < error({-t, t})) {
        return {whole().low * longer, whole().high * longer};
      }
      return within(t);
    }
    for (int round = 0; round < 2; ++round) {
      best.high = shortened(whole().high, [&](double t) { return Ends{best.low, t}; });
      best.low = shortened(whole().low, [&](double t) { return Ends{t, best.high}; });
    }
    return best;
  }

  /// The part of `end` with the least error of ends_at(end). Of equal ones, the largest.
  template <typename EndsAt>
  double shortened(double end, const EndsAt& ends_at) const {
    constexpr int kStepsPerOctave = 64, kCoarse = 8, kOctaves = 30;
    const auto at = [&](int steps) { return end * std::exp2(-static_cast<double>(steps) / kStepsPerOctave); };
    int best = 0;
    double least = error(ends_at(end));
    const auto attempt = [&](int steps) {
      if (steps < 0) return;
      const double error_there = error(ends_at(at(steps)));
      if (error_there < least || (error_there == least && steps < best)) {
        least = error_there;
        best = steps;
      }
    };
    for (int steps = kCoarse; steps <= kOctaves * kStepsPerOctave; steps += kCoarse) {
      const Ends ends = ends_at(at(steps));
      // What is cut off makes the larger part of the error from here on, and only grows.
      if (density_->clipping_error(ends.low, ends.high) > least) break;
      attempt(steps);
    }
    for (int step = kCoarse / 2; step > 0; step /= 2) {
      const int middle = best;
      attempt(middle - step);
      attempt(middle + step);
    }
    return at(best);
  }

  const TensorStatistics& tensor_;
  Range all_;
  Scheme scheme_;
  QuantRange range_;
  std::optional<ValueDensity> density_;
};

}  // namespace

ObservedRange observe(const TensorStatistics& tensor, const ObserverSpec& spec, const Scheme& scheme,
                      QuantRange range) {
  const Finder finder(tensor, scheme, range);
  ObservedRange found{finder.all(), spec, std::nullopt, 0};
  if (spec.observer == Observer::kAuto) found.by.observer = Observer::kMse;
  if (found.range.magnitude() == 0.0F || !found.range.all_finite()) {
    found.by.observer = Observer::kMinMax;
    return found;
  }
  Ends ends;
  if (spec.observer == Observer::kMix) {
    found.error = std::numeric_limits<double>::infinity();
    for (const Observer each : {Observer::kMinMax, Observer::kPercentile, Observer::kKl}) {
      ObserverSpec candidate = spec;
      candidate.observer = each;
      const Ends there = finder.ends_for(candidate);
      const double error = finder.error(there);
      if (error >= found.error) continue;
      found.error = error;
      found.by = candidate;
      ends = there;
    }
  } else {
    ends = finder.ends_for(spec);
    if (finder.has_density()) found.error = finder.error(ends);
  }
  if (finder.has_density()) found.signal = finder.mean_square();
  found.range.min = static_cast<float>(ends.low) + 0.0F;
  found.range.max = static_cast<float>(ends.high) + 0.0F;
  return found;
}

std::vector<ChannelEnds> averages_of_channels(const TensorStatistics& tensor, const ObserverSpec& spec) {
  if (!averages_samples(spec.observer) || !tensor.channels || tensor.channels_by_sample.empty()) return {};
  std::vector<ChannelEnds> all;
  for (std::size_t c = 0; c < tensor.channels->channels(); ++c) {
    TensorStatistics channel;
    for (const ChannelRanges& sample : tensor.channels_by_sample) {
      if (sample.min.empty()) continue;
      if (sample.min.size() != tensor.channels->channels()) return {};
      channel.by_sample.push_back({sample.min[c], sample.max[c], 1, 0, 0});
    }
    if (channel.by_sample.empty()) return {};
    const Range range = observe(channel, spec, {}, range_of(Precision::kInt8)).range;
    all.push_back({range.min, range.max});
  }
  return all;
}

}  // namespace qprep
