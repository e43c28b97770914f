#include "statistics/element_counter.h"

#include <algorithm>
#include <bit>

namespace qprep {
namespace {

constexpr std::uint32_t kMantissaBits = 23;

std::int32_t octave_of(float magnitude) {
  return static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(magnitude) >> kMantissaBits);
}

/// In all lanes.
std::uint32_t sum_of(const std::array<std::uint16_t, 2>& counts) {
  const auto both = std::bit_cast<std::uint32_t>(counts);
  return (both & 0xFFFFU) + (both >> 16U);
}

}  // namespace

void ElementCounter::lay_out(std::int32_t top) {
  top_ = top;
  std::uint32_t end = 1;  // the first place is for what is not finite
  for (std::uint32_t code = 0; code < kCodes; ++code) {
    const auto octave = static_cast<std::int32_t>(code % kCodesOfSign);
    if (octave == ValueHistogram::kOctaves) {
      places_[code] = {0U - code / kCodesOfSign, 31};
    } else if (octave <= top) {
      const std::uint32_t bits = ValueHistogram::bits_at(top - octave), shift = kMantissaBits - bits;
      begins_[code] = end;
      places_[code] = {end - ((code << kMantissaBits) >> shift), shift};
      end += std::uint32_t{1} << bits;
    }
  }
  counts_.resize(std::max<std::size_t>(counts_.size(), end));
  totals_.resize(counts_.size());
}

void ElementCounter::count(std::span<const float> elements, float magnitude) {
  if (const std::int32_t top = octave_of(magnitude); top != top_) lay_out(top);
  for (; elements.size() > kMost; elements = elements.subspan(kMost)) {
    count_few(elements.first(kMost));
    add_up();
  }
  count_few(elements);
}

void ElementCounter::count_few(std::span<const float> elements) {
  const float* const data = elements.data();
  Counts* const counts = counts_.data();
  const auto take = [&](std::size_t i, std::size_t lane) {
    const auto bits = std::bit_cast<std::uint32_t>(data[i]);
    const Place& place = places_[bits >> kMantissaBits];
    ++counts[place.base + (bits >> place.shift)][lane];
  };
  constexpr std::size_t kAtOnce = 4 * kLanes;
  const std::size_t whole = elements.size() - elements.size() % kAtOnce;
  for (std::size_t i = 0; i < whole; i += kAtOnce) {
    for (std::size_t k = 0; k < kAtOnce; ++k) take(i + k, k % kLanes);
  }
  for (std::size_t i = whole; i < elements.size(); ++i) take(i, i % kLanes);
}

void ElementCounter::add_up() {
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    totals_[i] += sum_of(counts_[i]);
  }
  std::fill(counts_.begin(), counts_.end(), Counts{});
}

std::span<const std::uint32_t> ElementCounter::take_row(std::uint32_t code, std::uint32_t bits) {
  const std::size_t size = std::size_t{1} << bits;
  constexpr std::size_t kTogether = 8;  // most are 0
  Counts* const counts = counts_.data() + begins_[code];
  std::uint32_t* const totals = totals_.data() + begins_[code];
  bool some = false;
  for (std::size_t first = 0; first < size; first += kTogether) {
    std::uint32_t any = 0;
    for (std::size_t i = first; i < first + kTogether; ++i)
      any |= std::bit_cast<std::uint32_t>(counts[i]) | totals[i];
    if (any == 0) {
      std::fill_n(row_.begin() + static_cast<std::ptrdiff_t>(first), kTogether, 0U);
      continue;
    }
    some = true;
    for (std::size_t i = first; i < first + kTogether; ++i) row_[i] = totals[i] + sum_of(counts[i]);
    std::fill_n(counts + first, kTogether, Counts{});
    std::fill_n(totals + first, kTogether, 0U);
  }
  return std::span<const std::uint32_t>(row_).first(some ? size : 0);
}

void ElementCounter::add_to(HistogramRows& rows, float magnitude) {
  rows.raise_top(octave_of(magnitude));
  for (std::uint32_t code = 0; code < kCodes; ++code) {
    const auto octave = static_cast<std::int32_t>(code % kCodesOfSign);
    if (octave > top_) continue;
    const std::span<const std::uint32_t> counts = take_row(code, ValueHistogram::bits_at(top_ - octave));
    if (!counts.empty()) rows.add(octave, code >= kCodesOfSign, counts);
  }
  counts_.front() = {};
  totals_.front() = 0;
}

}  // namespace qprep
