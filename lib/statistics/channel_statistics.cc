#include "statistics/channel_statistics.h"

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "quant/weight_scale.h"

namespace qprep {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct RowStatistics {
  float min = kInfinity, max = -kInfinity;
  double sum = 0;
};

/// A row in lanes, which stay in registers. Where an element is not finite, so is the sum. Up to 16 numbers
/// are added in float32, those sums in double; the order depends on the length alone.
class RowSums {
 public:
  static constexpr std::size_t kLanes = 16, kBlock = 16 * kLanes;

  /// Given: nothing was added yet, and these are whole lanes.
  void add(std::span<const float> lanes) {
    for (std::size_t block = 0; block < lanes.size(); block += kBlock)
      add_block(lanes.subspan(block, std::min(kBlock, lanes.size() - block)));
  }
  /// With the last elements of the row, fewer than lanes.
  RowStatistics finish(std::span<const float> rest) const {
    RowStatistics all;
    for (std::size_t i = 0; i < low_.size(); ++i) {
      all.min = std::min(all.min, low_[i].minCoeff());
      all.max = std::max(all.max, high_[i].maxCoeff());
      for (Eigen::Index lane = 0; lane < 4; ++lane) all.sum += sum_[i][lane];
    }
    for (const float x : rest) {
      all.min = std::min(all.min, x);
      all.max = std::max(all.max, x);
      all.sum += x;
    }
    return all;
  }

 private:
  using Floats = Eigen::Array4f;

  void add_block(std::span<const float> block) {
    std::array<Floats, 4> low = low_, high = high_, part;
    part.fill(Floats::Zero());
    for (std::size_t at = 0; at < block.size(); at += kLanes) {
      for (std::size_t i = 0; i < low.size(); ++i) {
        const Eigen::Map<const Floats> x(block.data() + at + 4 * i);
        low[i] = low[i].min(x);
        high[i] = high[i].max(x);
        part[i] += x;
      }
    }
    low_ = low;
    high_ = high;
    for (std::size_t i = 0; i < part.size(); ++i) sum_[i] += part[i].cast<double>();
  }

  static std::array<Floats, 4> all(float x) {
    const Floats lanes = Floats::Constant(x);
    return {lanes, lanes, lanes, lanes};
  }

  std::array<Floats, 4> low_ = all(kInfinity), high_ = all(-kInfinity);
  std::array<Eigen::Array4d, 4> sum_ = {Eigen::Array4d::Zero(), Eigen::Array4d::Zero(),
                                        Eigen::Array4d::Zero(), Eigen::Array4d::Zero()};
};

RowStatistics row_statistics(std::span<const float> row) {
  const std::size_t whole = row.size() - row.size() % RowSums::kLanes;
  RowSums sums;
  sums.add(row.first(whole));
  return sums.finish(row.subspan(whole));
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

}  // namespace

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
    // Of both zeros the positive one, whichever came first.
    all.min[c] += 0.0F;
    all.max[c] += 0.0F;
  }
  return all;
}

}  // namespace qprep
