#include "statistics/value_histogram.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <iterator>
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

std::uint64_t zigzag(std::int32_t value) {
  return (static_cast<std::uint32_t>(value) << 1U) ^ static_cast<std::uint32_t>(value >> 31);
}

void pack(std::string& packed, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) packed += static_cast<char>((value & 0x7FU) | 0x80U);
  packed += static_cast<char>(value);
}

/// Result: `at` is behind the number.
std::uint64_t unpack(const char*& at) {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*at++);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) return value;
  }
}

}  // namespace

ValueHistogram::ValueHistogram(std::vector<Bin> bins) {
  if (!bins.empty()) top_ = std::max(octave_of(bins.front().bin), octave_of(bins.back().bin));
  std::size_t kept = 0;
  for (const Bin& each : bins) {
    const std::int32_t width = width_at(octave_of(each.bin), top_);
    // Towards zero.
    const std::int32_t bin = each.bin / width * width;
    if (kept > 0 && bins[kept - 1].bin == bin) {
      bins[kept - 1].count += each.count;
    } else {
      bins[kept++] = {bin, each.count};
    }
  }
  bins.resize(kept);
  std::int32_t before = 0;
  for (const Bin& each : bins) {
    pack(packed_, zigzag(each.bin - before));
    pack(packed_, each.count);
    before = each.bin;
  }
  packed_.shrink_to_fit();
}

std::vector<ValueHistogram::Bin> ValueHistogram::bins() const {
  std::vector<Bin> bins;
  bins.reserve(packed_.size() / 2);  // a bin has at least two bytes
  std::int32_t before = 0;
  const char* const end = packed_.data() + packed_.size();
  for (const char* at = packed_.data(); at != end;) {
    const std::uint64_t step = unpack(at);
    before += static_cast<std::int32_t>(step >> 1U) ^ -static_cast<std::int32_t>(step & 1U);
    const std::uint64_t count = unpack(at);
    bins.push_back({before, count});
  }
  return bins;
}

std::uint64_t ValueHistogram::total() const {
  std::uint64_t total = 0;
  for (const Bin& bin : bins()) total += bin.count;
  return total;
}

void ValueHistogram::merge(const ValueHistogram& other) {
  const std::vector<Bin> mine = bins(), theirs = other.bins();
  std::vector<Bin> merged;
  merged.reserve(mine.size() + theirs.size());
  std::merge(mine.begin(), mine.end(), theirs.begin(), theirs.end(), std::back_inserter(merged),
             [](const Bin& a, const Bin& b) { return a.bin < b.bin; });
  *this = ValueHistogram(std::move(merged));
}

std::uint32_t ValueHistogram::bits_at(std::int32_t octaves_below) {
  if (octaves_below > 24) return 3;
  return std::max<std::uint32_t>(
      7, kBits - std::min<std::uint32_t>(3, static_cast<std::uint32_t>(octaves_below)));
}

BinEdges edges_of(std::int32_t bin, std::int32_t top_octave) {
  if (bin == 0) return {};
  const std::int32_t near = std::abs(bin);
  const double low = magnitude_at(near);
  const double high = magnitude_at(near + width_at(octave_of(bin), top_octave));
  return bin > 0 ? BinEdges{low, high} : BinEdges{-high, -low};
}

}  // namespace qprep
