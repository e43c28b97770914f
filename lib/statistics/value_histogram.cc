#include "statistics/value_histogram.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <utility>

namespace qprep {
namespace {

constexpr std::uint32_t kDroppedBits = 23 - ValueHistogram::kBits;

double magnitude_at(std::int32_t code) {
  // Above the largest number comes 2^128, which no float32 is.
  if (code >= ValueHistogram::kOctaves * ValueHistogram::kOctave) return 0x1p128;
  return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(code) << kDroppedBits));
}

/// How many of the finest bins one bin of the octave is.
std::int32_t width_at(std::int32_t octave, std::int32_t top) {
  return 1 << (ValueHistogram::kBits - ValueHistogram::bits_at(top - octave));
}

std::int32_t octave_of(std::int32_t bin) { return std::abs(bin) / ValueHistogram::kOctave; }

}  // namespace

ValueHistogram::ValueHistogram(std::vector<Bin> bins) : bins_(std::move(bins)) {
  const std::int32_t top = top_octave();
  std::size_t kept = 0;
  for (const Bin& each : bins_) {
    const std::int32_t width = width_at(octave_of(each.bin), top);
    // Towards zero.
    const std::int32_t bin = each.bin / width * width;
    if (kept > 0 && bins_[kept - 1].bin == bin) {
      bins_[kept - 1].count += each.count;
    } else {
      bins_[kept++] = {bin, each.count};
    }
  }
  bins_.resize(kept);
}

std::uint64_t ValueHistogram::total() const {
  std::uint64_t total = 0;
  for (const Bin& bin : bins_) total += bin.count;
  return total;
}

void ValueHistogram::merge(const ValueHistogram& other) {
  std::vector<Bin> merged;
  merged.reserve(bins_.size() + other.bins_.size());
  std::merge(bins_.begin(), bins_.end(), other.bins_.begin(), other.bins_.end(), std::back_inserter(merged),
             [](const Bin& a, const Bin& b) { return a.bin < b.bin; });
  *this = ValueHistogram(std::move(merged));
}

std::uint32_t ValueHistogram::bits_at(std::int32_t octaves_below) {
  if (octaves_below > 24) return 3;
  return std::max<std::uint32_t>(
      7, kBits - std::min<std::uint32_t>(3, static_cast<std::uint32_t>(octaves_below)));
}

std::int32_t ValueHistogram::top_octave() const {
  return bins_.empty() ? 0 : std::max(octave_of(bins_.front().bin), octave_of(bins_.back().bin));
}

BinEdges edges_of(std::int32_t bin, std::int32_t top_octave) {
  if (bin == 0) return {};
  const std::int32_t near = std::abs(bin);
  const double low = magnitude_at(near);
  const double high = magnitude_at(near + width_at(octave_of(bin), top_octave));
  return bin > 0 ? BinEdges{low, high} : BinEdges{-high, -low};
}

}  // namespace qprep
