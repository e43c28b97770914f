#include "statistics/histogram_rows.h"

#include <algorithm>

namespace qprep {
namespace {

/// Most counts of the upper octaves are 0: so many of them are looked at together.
constexpr std::size_t kTogether = 8;

bool all_zero(const std::uint32_t* counts) {
  std::uint32_t any = 0;
  for (std::size_t i = 0; i < kTogether; ++i) any |= counts[i];
  return any == 0;
}

}  // namespace

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
  Row& bins = row(octave, negative);
  if (bins.empty()) bins.resize(std::size_t{1} << ValueHistogram::bits_at(top_ - octave));
  const std::size_t each = counts.size() / bins.size();
  for (std::size_t first = 0; first < counts.size(); first += kTogether) {
    if (all_zero(counts.data() + first)) continue;
    if (each == 1) {
      for (std::size_t i = first; i < first + kTogether; ++i) bins[i] += counts[i];
    } else {
      for (std::size_t i = first; i < first + kTogether; ++i) bins[i / each] += counts[i];
    }
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

}  // namespace qprep
