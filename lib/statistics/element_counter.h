#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "statistics/histogram_rows.h"

namespace qprep {

/// Room of one thread for counting, used for one tensor after the other.
class ElementCounter {
 public:
  /// Elements that are not finite are not counted. Given: the others are no larger than `magnitude`, and
  /// nothing is counted yet.
  void count(std::span<const float> elements, float magnitude);
  /// Result: `rows` has what was counted added, and nothing is counted any more. Given: `rows` then have a
  /// number as large as the magnitude of `count`, and none larger than `magnitude`.
  void add_to(HistogramRows& rows, float magnitude);

 private:
  /// An increment waits for the one before if both are of one number, and neighbours often are: every other
  /// element has a count of its own. They are as small as can be, so that those in use stay in the first
  /// cache.
  static constexpr std::size_t kLanes = 2;
  using Counts = std::array<std::uint16_t, kLanes>;
  /// So many elements no lane can count more of than it has room for.
  static constexpr std::size_t kMost = kLanes * 0xFFFF;
  static constexpr std::uint32_t kCodes = 512, kCodesOfSign = kCodes / 2;

  /// Where the numbers of one sign and exponent, the upper nine of their bits, are counted: at
  /// base + (bits >> shift) modulo 2^32.
  struct Place {
    std::uint32_t base = 0, shift = 0;
  };

  void lay_out(std::int32_t top);
  /// Given: at most kMost.
  void count_few(std::span<const float> elements);
  /// Result: all counts are in the totals.
  void add_up();
  /// Result: the counts of 2^bits bins, which are 0 from now on; empty if they were.
  std::span<const std::uint32_t> take_row(std::uint32_t code, std::uint32_t bits);

  std::array<Place, kCodes> places_{};
  std::array<std::uint32_t, kCodes> begins_{};  // of the rows, which lie one behind the other
  std::vector<Counts> counts_;                  // all 0 between add_to and count, as the totals are
  std::vector<std::uint32_t> totals_;           // of the elements before the last kMost
  std::array<std::uint32_t, ValueHistogram::kOctave> row_{};
  std::size_t end_ = 0;    // of the last row
  std::int32_t top_ = -1;  // the octave for which it is laid out; -1: none yet
};

}  // namespace qprep
