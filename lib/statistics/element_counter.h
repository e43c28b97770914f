#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "statistics/tensor_statistics.h"

namespace qprep {

/// What is kept of a tensor beside its ranges.
struct Wanted {
  bool histogram = false;
  bool channels = false;
};

/// A histogram that grows: a row for each octave and sign, as fine as its distance from the largest magnitude
/// so far asks for.
class HistogramRows {
 public:
  /// Adds counts of the finest bins of one octave; `negative`: its numbers are. Given: kOctave counts.
  void add(std::int32_t octave, bool negative, std::span<const std::uint32_t> counts);
  ValueHistogram histogram() const;

 private:
  using Row = std::vector<std::uint64_t>;  // 2^bits, or none
  Row& row(std::int32_t octave, bool negative);
  void raise_top(std::int32_t octave);

  std::array<Row, std::size_t{2} * ValueHistogram::kOctaves> rows_;
  std::int32_t top_ = 0;
};

/// Room of one thread for counting, used for one tensor after the other.
class ElementCounter {
 public:
  ElementCounter();

  /// Given: all elements are finite.
  void count(std::span<const float> elements);
  /// Result: `rows` has what was counted added, and nothing is counted any more.
  void add_to(HistogramRows& rows);

 private:
  /// Neighbouring elements are often in one bin: every other one has a table of its own, so that one
  /// increment need not wait for the one before.
  static constexpr std::size_t kTables = 2;
  static constexpr std::size_t kOctave = ValueHistogram::kOctave;
  static constexpr std::size_t kCodes = std::size_t{512} * kOctave;

  std::vector<std::uint32_t> tables_;
  std::array<std::uint8_t, kCodes / kOctave> touched_{};  // octaves that are not all 0
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
  void count_waiting(ElementCounter& counter);

  Wanted wanted_;
  TensorStatistics statistics_;
  HistogramRows rows_;
  std::vector<float>
      waiting_;  // elements to be counted together: adding tables up costs as much as many of them
  std::mutex mutex_;
};

/// Of one tensor; nullopt if `axis` is none of its axes, or an element is not finite. The sums are made in an
/// order that the shape alone decides.
std::optional<ChannelStatistics> channel_statistics(std::span<const float> elements,
                                                    std::span<const std::int64_t> dims, std::int64_t axis);

}  // namespace qprep
