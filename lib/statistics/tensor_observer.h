#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "statistics/element_counter.h"
#include "statistics/histogram_rows.h"
#include "statistics/tensor_statistics.h"

namespace qprep {

/// What is kept of a tensor beside its ranges.
struct Wanted {
  bool histogram = false;
  bool channels = false;
  bool channels_of_samples = false;  // their ranges in each sample; given: channels
};

/// What all threads see of one tensor.
class TensorObserver {
 public:
  /// How much of a tensor a sample has, as far as it is known.
  struct Size {
    std::optional<std::uint64_t> elements, channels;
  };
  /// What one takes while samples run, in bytes: an upper bound, but where the number of channels is not
  /// known. docs/calibration.md, "Memory", has the formula.
  static std::size_t most_bytes(std::size_t samples, Wanted wanted, const Size& size);

  TensorObserver(std::size_t samples, Wanted wanted, std::int64_t channel_axis);

  /// Given: `elements` are those of a tensor of `dims`, computed for that sample; a tensor in a body may be
  /// computed often, or never. May be called from many threads at once, each with a counter of its own.
  void see(std::size_t sample, std::span<const float> elements, std::span<const std::int64_t> dims,
           ElementCounter& counter);

  /// Without the name. Given: nobody sees any more, and this is not used again.
  TensorStatistics take(ElementCounter& counter);

 private:
  void see_channels(std::size_t sample, const ChannelStatistics& channels);
  void wait(std::span<const float> elements, const Range& range, ElementCounter& counter);
  void count_waiting(ElementCounter& counter);

  Wanted wanted_;
  TensorStatistics statistics_;
  HistogramRows rows_;
  std::atomic<float> magnitude_ = 0;  // the largest in the rows
  /// Elements to be counted together, as adding them up costs as much as counting many; their largest
  /// magnitude.
  std::vector<float> waiting_;
  float waiting_magnitude_ = 0;
  std::mutex mutex_;
};

}  // namespace qprep
