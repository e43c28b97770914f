#include "statistics/value_density.h"

#include <algorithm>
#include <cmath>

namespace qprep {
namespace {

using Piece = ValueDensity::Piece;

/// The mean of x^2 in a piece.
double square_in(const Piece& piece) {
  return (piece.low * piece.low + piece.low * piece.high + piece.high * piece.high) / 3.0;
}

/// To nearest; for |x| < 2^51 and the usual rounding mode.
double rounded(double x) {
  constexpr double kShift = 0x1.8p52;
  return (x + kShift) - kShift;
}

/// In units of the scale and with the zero point at 0: the error of x is (x - n)^2, n the nearest integer of
/// first to last. Its integral from a point that does not matter to x is n / 12 + (x - n)^3 / 3, since that
/// over one whole step is 1 / 12.
class ErrorIntegral {
 public:
  ErrorIntegral(double scale, double first, double last)
      : inverse_(1.0 / scale), first_(first), last_(last) {}

  /// The mean error of numbers that lie evenly in the piece, in squares of the scale.
  double mean_of(const Piece& piece) const {
    const double low = piece.low * inverse_, high = piece.high * inverse_;
    const double width = high - low;
    // Where the integrals' difference would be lost in their rounding.
    if (width <= 1e-9 * std::max(1.0, std::fabs(low))) return error_at((low + high) / 2.0);
    return (integral_to(high) - integral_to(low)) / width;
  }

 private:
  double nearest(double x) const {
    return std::clamp(rounded(std::clamp(x, first_ - 1, last_ + 1)), first_, last_);
  }
  double error_at(double x) const {
    const double off = x - nearest(x);
    return off * off;
  }
  double integral_to(double x) const {
    const double n = nearest(x);
    const double off = x - n;
    return n / 12.0 + off * off * off / 3.0;
  }

  double inverse_, first_, last_;
};

}  // namespace

ValueDensity::ValueDensity(const ValueHistogram& histogram, const Range& range) {
  const std::vector<ValueHistogram::Bin> bins = histogram.bins();
  pieces_.reserve(bins.size());
  const std::int32_t top = histogram.top_octave();
  const auto smallest = static_cast<double>(range.min), largest = static_cast<double>(range.max);
  for (const ValueHistogram::Bin& bin : bins) {
    const BinEdges edges = edges_of(bin.bin, top);
    pieces_.push_back({std::clamp(edges.low, smallest, largest), std::clamp(edges.high, smallest, largest),
                       static_cast<double>(bin.count)});
  }
  add_up();
}

void ValueDensity::add_up() {
  for (std::vector<double>* each : {&counts_, &sums_, &squares_}) each->assign(1, 0.0);
  for (const Piece& piece : pieces_) {
    counts_.push_back(counts_.back() + piece.count);
    sums_.push_back(sums_.back() + piece.count * (piece.low + piece.high) / 2.0);
    squares_.push_back(squares_.back() + piece.count * square_in(piece));
  }
  total_ = counts_.back();
}

ValueDensity ValueDensity::of_magnitudes() const {
  ValueDensity result;
  const auto positive =
      std::find_if(pieces_.begin(), pieces_.end(), [](const Piece& each) { return each.low >= 0; });
  std::vector<Piece> mirrored;
  for (auto at = positive; at != pieces_.begin();) {
    --at;
    mirrored.push_back({-at->high, -at->low, at->count});
  }
  // Bins of both signs have the same edges but for the ends, so pieces may lie over each other; nothing but
  // the order of their lower edges is needed of them.
  result.pieces_.resize(pieces_.size());
  std::merge(positive, pieces_.end(), mirrored.begin(), mirrored.end(), result.pieces_.begin(),
             [](const Piece& a, const Piece& b) { return a.low < b.low; });
  result.add_up();
  return result;
}

double ValueDensity::quantile(double share) const {
  double wanted = std::clamp(share, 0.0, 1.0) * total_;
  for (const Piece& piece : pieces_) {
    if (wanted <= piece.count) return piece.low + (piece.high - piece.low) * (wanted / piece.count);
    wanted -= piece.count;
  }
  return pieces_.empty() ? 0.0 : pieces_.back().high;
}

double ValueDensity::mean() const { return total_ > 0 ? sums_.back() / total_ : 0.0; }

double ValueDensity::mean_square() const { return total_ > 0 ? squares_.back() / total_ : 0.0; }

double ValueDensity::standard_deviation() const {
  if (total_ == 0) return 0.0;
  const double middle = mean();
  return std::sqrt(std::max(0.0, mean_square() - middle * middle));
}

double ValueDensity::quantisation_error(const ScaleAndZero& to, QuantRange range) const {
  if (total_ == 0) return 0.0;
  const auto scale = static_cast<double>(to.scale);
  const double first = range.min - to.zero_point, last = range.max - to.zero_point;
  // What becomes 0 has its own square as its error.
  const double half = scale / 2.0;
  const double low_end = first < 0 ? -half : 0.0, high_end = last > 0 ? half : 0.0;
  const auto near_begin = std::partition_point(pieces_.begin(), pieces_.end(),
                                               [&](const Piece& each) { return each.low < low_end; });
  const auto near_end = std::partition_point(near_begin, pieces_.end(),
                                             [&](const Piece& each) { return each.high <= high_end; });
  const ErrorIntegral error(scale, first, last);
  double sum = 0;
  for (auto at = pieces_.begin(); at != near_begin; ++at) sum += at->count * error.mean_of(*at);
  for (auto at = near_end; at != pieces_.end(); ++at) sum += at->count * error.mean_of(*at);
  const double near = squares_[static_cast<std::size_t>(near_end - pieces_.begin())] -
                      squares_[static_cast<std::size_t>(near_begin - pieces_.begin())];
  return (sum * scale * scale + near) / total_;
}

double ValueDensity::clipping_error(double low, double high) const {
  const auto below =
      static_cast<std::size_t>(std::partition_point(pieces_.begin(), pieces_.end(),
                                                    [&](const Piece& each) { return each.high <= low; }) -
                               pieces_.begin());
  const auto above =
      static_cast<std::size_t>(std::partition_point(pieces_.begin(), pieces_.end(),
                                                    [&](const Piece& each) { return each.low < high; }) -
                               pieces_.begin());
  // The sum of (x - end)^2.
  const auto beyond = [&](std::size_t first, std::size_t last, double end) {
    return squares_[last] - squares_[first] - 2.0 * end * (sums_[last] - sums_[first]) +
           end * end * (counts_[last] - counts_[first]);
  };
  return std::max(0.0, beyond(0, below, low) + beyond(above, pieces_.size(), high)) / total_;
}

std::vector<double> ValueDensity::linear_histogram(std::size_t bins, double end) const {
  std::vector<double> counts(bins, 0.0);
  const double per_bin = static_cast<double>(bins) / end;
  const auto bin_of = [&](double x) {
    return std::min(static_cast<std::size_t>(std::max(0.0, x * per_bin)), bins - 1);
  };
  for (const Piece& piece : pieces_) {
    if (piece.low > end) continue;
    const std::size_t first = bin_of(piece.low), last = bin_of(std::min(piece.high, end));
    if (first == last || piece.high <= piece.low) {
      counts[first] += piece.count;
      continue;
    }
    for (std::size_t bin = first; bin <= last; ++bin) {
      const double low = std::max(piece.low, static_cast<double>(bin) / per_bin);
      const double high = std::min(piece.high, static_cast<double>(bin + 1) / per_bin);
      counts[bin] += piece.count * std::max(0.0, high - low) / (piece.high - piece.low);
    }
  }
  return counts;
}

}  // namespace qprep
