#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "quant/scale.h"
#include "statistics/value_histogram.h"

namespace qprep {

/// A histogram as a density: in each bin the numbers lie evenly, between the bin's edges or what is left of
/// it by the smallest and the largest number, which are known exactly.
class ValueDensity {
 public:
  struct Piece {
    double low = 0, high = 0;  // equal: all have that value
    double count = 0;
  };

  /// Given: `range` is that of the histogram's numbers.
  ValueDensity(const ValueHistogram& histogram, const Range& range);

  /// Ascending, and apart but for their edges.
  std::span<const Piece> pieces() const { return pieces_; }
  double total() const { return total_; }

  /// The density of |x|.
  ValueDensity of_magnitudes() const;

  /// The number that `share` (0 to 1) of all are at most.
  double quantile(double share) const;
  double mean() const;
  double mean_square() const;
  double standard_deviation() const;

  /// The mean of (x - Q(x))^2, with Q(x) = clamp(round(x / scale) + zero_point, qmin, qmax) as a real number
  /// again.
  double quantisation_error(const ScaleAndZero& to, QuantRange range) const;

  /// A lower bound of the mean of what cutting off at the ends does, squared: of the bins that lie beyond
  /// them as a whole.
  double clipping_error(double low, double high) const;

  /// How many numbers lie in each of `bins` bins of equal width from 0 to `end`; those beyond are not
  /// counted. Given: no number is negative.
  std::vector<double> linear_histogram(std::size_t bins, double end) const;

 private:
  ValueDensity() = default;
  void add_up();

  std::vector<Piece> pieces_;
  double total_ = 0;
  /// Of the numbers in the pieces before each, and in all.
  std::vector<double> counts_, sums_, squares_;
};

}  // namespace qprep
