#include "statistics/element_counter.h"

#include <Eigen/Core>
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "quant/weight_scale.h"

namespace qprep {
namespace {

/// So many elements are worth the adding up of tables.
constexpr std::size_t kTogether = std::size_t{1} << 15U;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> finite_of(std::span<const float> elements) {
  std::vector<float> finite;
  std::copy_if(elements.begin(), elements.end(), std::back_inserter(finite),
               [](float x) { return std::isfinite(x); });
  return finite;
}

struct RowStatistics {
  float min = kInfinity, max = -kInfinity;
  double sum = 0;
};

/// Where an element is not finite, so is the sum. Up to 16 numbers are added in float32, those sums in
/// double; the order depends on the length alone.
RowStatistics row_statistics(std::span<const float> row) {
  constexpr std::size_t kLanes = 16, kBlock = 16 * kLanes;
  using Floats = Eigen::Array<float, kLanes, 1>;
  using Doubles = Eigen::Array<double, kLanes, 1>;
  Floats low = Floats::Constant(kInfinity), high = -low;
  Doubles sum = Doubles::Zero();
  const std::size_t whole = row.size() - row.size() % kLanes;
  for (std::size_t block = 0; block < whole; block += kBlock) {
    Floats part = Floats::Zero();
    for (std::size_t i = block; i < std::min(whole, block + kBlock); i += kLanes) {
      const Eigen::Map<const Floats> lanes(row.data() + i);
      low = low.min(lanes);
      high = high.max(lanes);
      part += lanes;
    }
    sum += part.cast<double>();
  }
  RowStatistics all{low.minCoeff(), high.maxCoeff(), 0};
  for (std::size_t lane = 0; lane < kLanes; ++lane) all.sum += sum[static_cast<Eigen::Index>(lane)];
  for (const float x : row.subspan(whole)) {
    all.min = std::min(all.min, x);
    all.max = std::max(all.max, x);
    all.sum += x;
  }
  return all;
}

/// Channels that lie beside each other: one element of each in turn.
void add_interleaved(std::span<const float> elements, ChannelStatistics& all, std::vector<double>& sums) {
  using Floats = Eigen::Array<float, Eigen::Dynamic, 1>;
  using Doubles = Eigen::Array<double, Eigen::Dynamic, 1>;
  const auto channels = static_cast<Eigen::Index>(sums.size());
  Eigen::Map<Floats> low(all.min.data(), channels), high(all.max.data(), channels);
  Eigen::Map<Doubles> sum(sums.data(), channels);
  for (std::size_t at = 0; at < elements.size(); at += sums.size()) {
    const Eigen::Map<const Floats> row(elements.data() + at, channels);
    low = low.min(row);
    high = high.max(row);
    sum += row.cast<double>();
  }
}

void add_rows(std::span<const float> elements, std::size_t inner, ChannelStatistics& all,
              std::vector<double>& sums) {
  for (std::size_t row = 0; row * inner < elements.size(); ++row) {
    const std::size_t channel = row % sums.size();
    const RowStatistics seen = row_statistics(elements.subspan(row * inner, inner));
    all.min[channel] = std::min(all.min[channel], seen.min);
    all.max[channel] = std::max(all.max[channel], seen.max);
    sums[channel] += seen.sum;
  }
}

/// Of all channels together. Given: there are some.
Range range_of(const ChannelStatistics& channels) {
  Range range;
  range.min = *std::min_element(channels.min.begin(), channels.min.end()) + 0.0F;
  range.max = *std::max_element(channels.max.begin(), channels.max.end()) + 0.0F;
  range.finite = static_cast<std::int64_t>(channels.count * channels.channels());
  return range;
}

}  // namespace

ElementCounter::ElementCounter() : tables_(kTables * kCodes) {}

void ElementCounter::count(std::span<const float> elements) {
  constexpr std::uint32_t kDroppedBits = 23 - ValueHistogram::kBits;
  const float* const data = elements.data();
  std::uint32_t* const table = tables_.data();
  const auto take = [&](std::size_t i, std::size_t k) {
    const std::size_t code = std::bit_cast<std::uint32_t>(data[i]) >> kDroppedBits;
    ++table[k * kCodes + code];
    touched_[code / kOctave] = 1;
  };
  std::size_t i = 0;
  for (; i + kTables <= elements.size(); i += kTables) {
    for (std::size_t k = 0; k < kTables; ++k) take(i + k, k);
  }
  for (; i < elements.size(); ++i) take(i, 0);
}

void ElementCounter::add_to(HistogramRows& rows) {
  for (std::size_t octave = 0; octave < touched_.size(); ++octave) {
    if (touched_[octave] == 0) continue;
    touched_[octave] = 0;
    for (std::size_t t = 0; t < kTables; ++t) {
      const std::span<std::uint32_t> counts(tables_.data() + t * kCodes + octave * kOctave, kOctave);
      rows.add(static_cast<std::int32_t>(octave % 256), octave >= 256, counts);
      std::fill(counts.begin(), counts.end(), 0U);
    }
  }
}

HistogramRows::Row& HistogramRows::row(std::int32_t octave, bool negative) {
  return rows_[static_cast<std::size_t>(octave) * 2 + (negative ? 1 : 0)];
}

void HistogramRows::raise_top(std::int32_t octave) {
  if (octave <= top_) return;
  top_ = octave;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    Row& fine = rows_[i];
    const std::size_t size = std::size_t{1}
                             << ValueHistogram::bits_at(top_ - static_cast<std::int32_t>(i / 2));
    if (fine.size() <= size) continue;
    Row coarse(size);
    const std::size_t each = fine.size() / size;
    for (std::size_t bin = 0; bin < fine.size(); ++bin) coarse[bin / each] += fine[bin];
    fine = std::move(coarse);
  }
}

void HistogramRows::add(std::int32_t octave, bool negative, std::span<const std::uint32_t> counts) {
  raise_top(octave);
  Row& bins = row(octave, negative);
  if (bins.empty()) bins.resize(std::size_t{1} << ValueHistogram::bits_at(top_ - octave));
  const std::size_t each = counts.size() / bins.size();
  for (std::size_t bin = 0; bin < bins.size(); ++bin) {
    for (std::size_t i = 0; i < each; ++i) bins[bin] += counts[bin * each + i];
  }
}

ValueHistogram HistogramRows::histogram() const {
  std::vector<ValueHistogram::Bin> bins;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const std::int32_t width =
        rows_[i].empty() ? 0 : ValueHistogram::kOctave / static_cast<std::int32_t>(rows_[i].size());
    const auto first = static_cast<std::int32_t>(i / 2) * ValueHistogram::kOctave;
    for (std::size_t bin = 0; bin < rows_[i].size(); ++bin) {
      const std::int32_t magnitude = first + static_cast<std::int32_t>(bin) * width;
      if (rows_[i][bin] > 0) bins.push_back({i % 2 == 0 ? magnitude : -magnitude, rows_[i][bin]});
    }
  }
  std::sort(bins.begin(), bins.end(), [](const auto& a, const auto& b) { return a.bin < b.bin; });
  return ValueHistogram(std::move(bins));
}

std::optional<ChannelStatistics> channel_statistics(std::span<const float> elements,
                                                    std::span<const std::int64_t> dims, std::int64_t axis) {
  const auto rank = static_cast<std::int64_t>(dims.size());
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) return std::nullopt;
  const AxisLayout layout = layout_around(Dims(dims.begin(), dims.end()), static_cast<std::size_t>(axis));
  ChannelStatistics all;
  const auto channels = static_cast<std::size_t>(layout.channels);
  if (channels == 0 || elements.empty()) return all;
  all.min.assign(channels, kInfinity);
  all.max.assign(channels, -kInfinity);
  all.sum.resize(channels);
  all.count = elements.size() / channels;
  std::vector<double> sums(channels);
  if (layout.inner == 1) {
    add_interleaved(elements, all, sums);
  } else {
    add_rows(elements, static_cast<std::size_t>(layout.inner), all, sums);
  }
  for (std::size_t c = 0; c < channels; ++c) {
    if (!std::isfinite(sums[c])) return std::nullopt;
    all.sum[c].add(sums[c]);
  }
  return all;
}

std::size_t TensorObserver::most_bytes(std::size_t samples, Wanted wanted, const Size& size) {
  constexpr std::uint64_t kUnknownChannels = 1024;
  constexpr std::size_t kOfChannel = 2 * sizeof(float) + sizeof(ExactSum);
  std::size_t bytes = sizeof(TensorObserver) + samples * sizeof(Range);
  if (wanted.channels) bytes += size.channels.value_or(kUnknownChannels) * kOfChannel;
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
}

void TensorObserver::see(std::size_t sample, std::span<const float> elements,
                         std::span<const std::int64_t> dims, ElementCounter& counter) {
  std::optional<ChannelStatistics> channels;
  if (wanted_.channels) channels = channel_statistics(elements, dims, statistics_.channel_axis);
  const Range range = channels && channels->channels() > 0 ? range_of(*channels) : range_of_data(elements);
  std::vector<float> finite;
  if (wanted_.histogram && !range.all_finite()) finite = finite_of(elements);
  const std::span<const float> counted = range.all_finite() ? elements : finite;
  const bool alone = counted.size() >= kTogether;
  if (wanted_.histogram && alone) counter.count(counted);

  const std::lock_guard<std::mutex> lock(mutex_);
  statistics_.by_sample[sample].merge(range);
  if (wanted_.channels) statistics_.channels = merged(std::move(statistics_.channels), channels);
  if (!wanted_.histogram) return;
  if (alone) return counter.add_to(rows_);
  if (waiting_.size() + counted.size() > kTogether) count_waiting(counter);
  waiting_.reserve(kTogether);
  waiting_.insert(waiting_.end(), counted.begin(), counted.end());
}

void TensorObserver::count_waiting(ElementCounter& counter) {
  counter.count(waiting_);
  counter.add_to(rows_);
  waiting_.clear();
}

TensorStatistics TensorObserver::take(ElementCounter& counter) {
  count_waiting(counter);
  waiting_ = {};
  statistics_.histogram = rows_.histogram();
  return std::move(statistics_);
}

}  // namespace qprep
