#include "driver/choose_ranges.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "quant/fake_quant.h"
#include "support/parallel.h"

namespace qprep {
namespace {

/// How the tensor becomes integers.
QuantSpec spec_of(const Value& value, const Plan& plan) {
  if (const auto planned = plan.values.find(&value); planned != plan.values.end())
    return planned->second.spec;
  for (const Use& use : value.uses()) {
    if (!is_fake_quantize(*use.node)) continue;
    if (const auto attributes = read_fake_quantize(*use.node)) return attributes->spec;
  }
  return {};
}

/// The observer of each tensor.
std::vector<ObserverSpec> observers_of(const std::vector<Observed>& observed, const Plan& plan,
                                       const CalibrationConfig& config, const TensorMethods& named,
                                       const ObserverSpec& usual, std::optional<Precision> as) {
  std::vector<ObserverSpec> specs(observed.size(), usual);
  for (std::size_t i = 0; i < observed.size(); ++i) {
    // 16 bits have steps enough for what is rare, too.
    const QuantSpec spec = spec_of(*observed[i].value, plan);
    const bool is_wide = as.value_or(spec.precision) == Precision::kInt16;
    if (is_wide && config.observer.observer == Observer::kAuto) specs[i] = {.observer = Observer::kMinMax};
    if (const auto own = method_of_observer(spec.observer)) specs[i] = *own;
    if (named[i]) specs[i] = *named[i];
  }
  return specs;
}

/// Several tensors as if they were one.
TensorStatistics joined(const std::vector<const TensorStatistics*>& tensors) {
  TensorStatistics all = *tensors.front();
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    for (std::size_t sample = 0; sample < all.by_sample.size(); ++sample) {
      all.by_sample[sample].merge(tensors[i]->by_sample[sample]);
    }
    all.histogram.merge(tensors[i]->histogram);
  }
  return all;
}

/// The range, as far as the integers reach where its scale is a power of two.
std::pair<float, float> covered(const Range& range, const QuantSpec& spec) {
  const QuantRange integers = range_of(spec);
  const auto to =
      spec.scheme.power_of_two ? scale_for(range.min, range.max, spec.scheme, integers) : std::nullopt;
  if (!to) return {range.min, range.max};
  const auto end = [&](std::int32_t integer) {
    return to->scale * static_cast<float>(integer - to->zero_point);
  };
  return {std::max(range.min, end(integers.min)), std::min(range.max, end(integers.max))};
}

std::vector<ChannelEnds> ends_of_channels(const TensorStatistics& tensor, const ObservedRange& taken) {
  std::vector<ChannelEnds> all;
  const Range& range = taken.range;
  if (!tensor.channels || range.min > range.max) return all;
  all = averages_of_channels(tensor, taken.by);
  if (!all.empty()) return all;
  const auto inside = [&](float end) { return std::clamp(end, range.min, range.max); };
  for (std::size_t c = 0; c < tensor.channels->channels(); ++c)
    all.push_back({inside(tensor.channels->min[c]), inside(tensor.channels->max[c])});
  return all;
}

}  // namespace

std::vector<ChosenRange> choose_ranges(const std::vector<Observed>& observed, const Statistics& statistics,
                                       const Plan& plan, const CalibrationConfig& config,
                                       const TensorMethods& named, const ObserverSpec& usual,
                                       std::optional<Precision> as) {
  const std::vector<ObserverSpec> observers = observers_of(observed, plan, config, named, usual, as);
  // Tensors by the scale that they have; the first of a group speaks for it.
  std::vector<std::vector<std::size_t>> groups;
  std::unordered_map<const Value*, std::size_t> group_of;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const auto shared = plan.shared_scales.find(observed[i].value);
    if (shared == plan.shared_scales.end()) {
      groups.push_back({i});
      continue;
    }
    const auto [group, is_new] = group_of.emplace(shared->second, groups.size());
    if (is_new) groups.emplace_back();
    groups[group->second].push_back(i);
  }

  std::vector<ChosenRange> chosen(observed.size());
  parallel_for(groups.size(), 0, [&](std::size_t g) {
    const std::vector<std::size_t>& group = groups[g];
    QuantSpec spec = spec_of(*observed[group.front()].value, plan);
    if (as) spec.precision = *as;
    const auto take = [&](const TensorStatistics& tensor) {
      return observe(tensor, observers[group.front()], spec.scheme, range_of(spec));
    };
    ObservedRange taken;
    if (group.size() == 1) {
      taken = take(statistics.tensors[group.front()]);
    } else {
      std::vector<const TensorStatistics*> members;
      for (const std::size_t i : group) members.push_back(&statistics.tensors[i]);
      taken = take(joined(members));
    }
    for (const std::size_t i : group) {
      chosen[i] = {statistics.tensors[i].range(), taken};
      if (observed[i].channel_axis) chosen[i].channels = ends_of_channels(statistics.tensors[i], taken);
    }
  });
  return chosen;
}

Calibrated calibrated_tensors(const std::vector<Observed>& observed, const std::vector<ChosenRange>& chosen,
                              const FilledScales& filled, const Plan& plan) {
  std::unordered_set<const Value*> left_float;
  for (const auto& [value, why] : filled.left_float) left_float.insert(value);
  Calibrated all;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const Value& value = *observed[i].value;
    if (left_float.contains(&value) || constant_of(value) != nullptr) continue;
    const ChosenRange& range = chosen[i];
    const QuantSpec spec = spec_of(value, plan);
    const auto [low, high] = covered(range.taken.range, spec);
    CalibratedTensor tensor{
        observed[i].name,        std::string(to_text(spec)), range.seen.min,   range.seen.max, low, high,
        to_text(range.taken.by), range.taken.signal,         range.taken.error};
    if (!range.channels.empty()) {
      // The histogram is that of all channels together.
      tensor.signal.reset();
      tensor.channels = range.channels;
      const QuantRange integers = range_of(spec);
      const auto whole = scale_for(range.taken.range.min, range.taken.range.max, spec.scheme, integers);
      for (const ScaleAndZero& each :
           scales_for(range.channels, whole.value_or(ScaleAndZero{}), spec.scheme, integers))
        tensor.scales.push_back(each.scale);
    }
    all.tensors.push_back(std::move(tensor));
  }
  return all;
}

std::unordered_map<const Value*, ChannelMeans> means_of(const std::vector<Observed>& observed,
                                                        const Statistics& statistics) {
  std::unordered_map<const Value*, ChannelMeans> all;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const TensorStatistics& tensor = statistics.tensors[i];
    if (!tensor.channels || tensor.channels->channels() == 0) continue;
    ChannelMeans& means = all[observed[i].value];
    means.axis = tensor.channel_axis;
    for (std::size_t c = 0; c < tensor.channels->channels(); ++c)
      means.means.push_back(tensor.channels->mean(c));
  }
  return all;
}

bool have_own_methods(const std::vector<Observed>& observed, const Plan& plan, const TensorMethods& named) {
  return std::ranges::any_of(named, [](const auto& method) { return method.has_value(); }) ||
         std::ranges::any_of(observed, [&](const Observed& tensor) {
           return method_of_observer(spec_of(*tensor.value, plan).observer).has_value();
         });
}

bool averages_channels(const CalibrationConfig& config, const std::vector<Observed>& observed) {
  const auto averages = [](const auto& spec) { return averages_samples(spec.observer); };
  const bool some = averages(config.observer) ||
                    (config.search && std::ranges::any_of(config.search->observers, averages)) ||
                    std::ranges::any_of(config.tensors, averages, &ObserverFor::spec);
  return some && std::ranges::any_of(observed,
                                     [](const Observed& tensor) { return tensor.channel_axis.has_value(); });
}

Wanted wanted_for(const CalibrationConfig& config, const std::vector<Observed>& observed, const Plan& plan) {
  Wanted wanted{.histogram = config.keep || needs_histogram(config.observer.observer),
                .channels = config.keep || config.corrects_biases()};
  wanted.channels = wanted.channels || std::ranges::any_of(observed, [](const Observed& tensor) {
                      return tensor.channel_axis.has_value();
                    });
  wanted.channels_of_samples = wanted.channels && (config.keep || averages_channels(config, observed));
  for (const ObserverFor& each : config.tensors) {
    wanted.histogram = wanted.histogram || needs_histogram(each.spec.observer);
  }
  for (const Observed& each : observed) {
    const auto own = method_of_observer(spec_of(*each.value, plan).observer);
    wanted.histogram = wanted.histogram || (own && needs_histogram(own->observer));
  }
  return wanted;
}

}  // namespace qprep
