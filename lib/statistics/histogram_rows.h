#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "statistics/value_histogram.h"

namespace qprep {

/// A histogram that grows: a row for each octave and sign, as fine as its distance from the largest magnitude
/// so far asks for.
class HistogramRows {
 public:
  /// Result: there is a number in this octave.
  void raise_top(std::int32_t octave);
  /// Adds counts of one octave, in bins of one width; `negative`: its numbers are. Given: they are as many as
  /// ValueHistogram::bits_at says of the distance from the top, or more.
  void add(std::int32_t octave, bool negative, std::span<const std::uint32_t> counts);
  ValueHistogram histogram() const;

 private:
  using Row = std::vector<std::uint64_t>;  // 2^bits, or none
  Row& row(std::int32_t octave, bool negative);

  std::array<Row, std::size_t{2} * ValueHistogram::kOctaves> rows_;
  std::int32_t top_ = 0;
};

}  // namespace qprep
