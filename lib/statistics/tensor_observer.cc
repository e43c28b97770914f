#include "statistics/tensor_observer.h"

#include <algorithm>
#include <utility>

#include "statistics/channel_statistics.h"

namespace qprep {
namespace {

/// So many elements are worth the adding up.
constexpr std::size_t kTogether = std::size_t{1} << 15U;

/// Of all channels together. Given: there are some.
Range range_of(const ChannelStatistics& channels) {
  Range range;
  range.min = *std::min_element(channels.min.begin(), channels.min.end());
  range.max = *std::max_element(channels.max.begin(), channels.max.end());
  range.finite = static_cast<std::int64_t>(channels.count * channels.channels());
  return range;
}

}  // namespace

std::size_t TensorObserver::most_bytes(std::size_t samples, Wanted wanted, const Size& size) {
  constexpr std::uint64_t kUnknownChannels = 1024;
  constexpr std::size_t kOfChannel = 2 * sizeof(float) + sizeof(ExactSum);
  std::size_t bytes = sizeof(TensorObserver) + samples * sizeof(Range);
  const std::size_t channels = size.channels.value_or(kUnknownChannels);
  if (wanted.channels) bytes += channels * kOfChannel;
  if (wanted.channels_of_samples) bytes += samples * channels * 2 * sizeof(float);
  if (!wanted.histogram) return bytes;
  for (std::int32_t below = 0; below < ValueHistogram::kOctaves; ++below)
    bytes += 2 * sizeof(std::uint64_t) << ValueHistogram::bits_at(below);
  const bool waits = !size.elements || *size.elements < kTogether;
  return bytes + (waits ? kTogether * sizeof(float) : 0);
}

TensorObserver::TensorObserver(std::size_t samples, Wanted wanted, std::int64_t channel_axis)
    : wanted_(wanted) {
  statistics_.by_sample.resize(samples);
  statistics_.channel_axis = channel_axis;
  if (wanted.channels) statistics_.channels.emplace();
  if (wanted.channels_of_samples) statistics_.channels_by_sample.resize(samples);
}

void TensorObserver::see(std::size_t sample, std::span<const float> elements,
                         std::span<const std::int64_t> dims, ElementCounter& counter) {
  std::optional<ChannelStatistics> channels;
  if (wanted_.channels) channels = channel_statistics(elements, dims, statistics_.channel_axis);
  const Range range = channels && channels->channels() > 0 ? range_of(*channels) : range_of_data(elements);
  const bool alone = wanted_.histogram && elements.size() >= kTogether;
  if (alone) counter.count(elements, std::max(range.magnitude(), magnitude_.load()));

  const std::lock_guard<std::mutex> lock(mutex_);
  statistics_.by_sample[sample].merge(range);
  if (wanted_.channels_of_samples && channels) see_channels(sample, *channels);
  if (wanted_.channels) statistics_.channels = merged(std::move(statistics_.channels), channels);
  if (alone) {
    magnitude_ = std::max(range.magnitude(), magnitude_.load());
    counter.add_to(rows_, magnitude_);
  } else if (wanted_.histogram) {
    wait(elements, range, counter);
  }
}

/// Of a sample that has another number of channels each time that the tensor is computed, no range is of use,
/// and the channels of all samples have none.
void TensorObserver::see_channels(std::size_t sample, const ChannelStatistics& channels) {
  ChannelRanges& ranges = statistics_.channels_by_sample[sample];
  if (ranges.min.empty() || ranges.min.size() == channels.channels())
    ranges.merge({channels.min, channels.max});
}

void TensorObserver::wait(std::span<const float> elements, const Range& range, ElementCounter& counter) {
  if (waiting_.size() + elements.size() > kTogether) count_waiting(counter);
  waiting_.reserve(kTogether);
  waiting_.insert(waiting_.end(), elements.begin(), elements.end());
  waiting_magnitude_ = std::max(waiting_magnitude_, range.magnitude());
}

void TensorObserver::count_waiting(ElementCounter& counter) {
  magnitude_ = std::max(magnitude_.load(), waiting_magnitude_);
  counter.count(waiting_, magnitude_);
  counter.add_to(rows_, magnitude_);
  waiting_.clear();
  waiting_magnitude_ = 0;
}

TensorStatistics TensorObserver::take(ElementCounter& counter) {
  count_waiting(counter);
  waiting_ = {};
  statistics_.histogram = rows_.histogram();
  return std::move(statistics_);
}

}  // namespace qprep
