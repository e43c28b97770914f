#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace qprep {

/// Counts of float32 numbers by their own leading bits: sign, exponent and the upper bits of the mantissa. No
/// range has to be known before, and as counts are integers, histograms add up exactly, in whatever order.
///
/// How many bits of the mantissa count depends on how far a number is below the largest magnitude that is
/// counted: 10 in its octave (the numbers with one exponent), 9 and 8 in the next two, 7 down to 24 octaves
/// below, 3 beyond. So a bin is never wider than a 1000th of the largest magnitude, nor, down to 2^-24 of it,
/// than 2^-7 of what it holds. As the largest magnitude grows, bins join; what was joined before or after
/// adding is the same.
class ValueHistogram {
 public:
  static constexpr std::uint32_t kBits = 10;  // of the mantissa, at most
  static constexpr std::int32_t kOctave = 1 << kBits;
  static constexpr std::int32_t kOctaves =
      255;  // of finite numbers; the first holds zero and what is below 2^-126

  /// `bin` is the upper bits of the smallest magnitude that the bin holds, as an integer, with the sign of
  /// what it holds: bins ascend as numbers do. That of zero is 0.
  struct Bin {
    std::int32_t bin = 0;
    std::uint64_t count = 0;

    friend bool operator==(const Bin&, const Bin&) = default;
  };

  ValueHistogram() = default;
  /// Given: `bins` ascend, and no count is 0. Bins that are finer than their distance from the largest one
  /// allows become coarser.
  explicit ValueHistogram(std::vector<Bin> bins);

  /// Ascending. Unpacked by each call: some 3 bytes are kept of the 16 of a bin.
  std::vector<Bin> bins() const;
  bool empty() const { return packed_.empty(); }
  std::uint64_t total() const;
  void merge(const ValueHistogram& other);

  /// The mantissa's bits that count in an octave so far below that of the largest magnitude.
  static std::uint32_t bits_at(std::int32_t octaves_below);
  /// The octave of the bin that is the farthest from zero; 0 if there is none.
  std::int32_t top_octave() const { return top_; }

  friend bool operator==(const ValueHistogram&, const ValueHistogram&) = default;

 private:
  /// Of each bin its number less that of the one before, zigzag (0, -1, 1, -2 as 0, 1, 2, 3), and the count,
  /// both as unsigned LEB128.
  std::string packed_;
  std::int32_t top_ = 0;
};

/// The numbers that a bin holds: low <= x < high if they are positive, low < x <= high if negative; both are
/// 0 for the bin of zero, which also holds what is smaller than 2^-129.
struct BinEdges {
  double low = 0;
  double high = 0;
};
/// `top_octave`: that of the histogram.
BinEdges edges_of(std::int32_t bin, std::int32_t top_octave);

}  // namespace qprep
