#include "statistics/kl_threshold.h"

#include <cmath>
#include <limits>
#include <vector>

namespace qprep {
namespace {

double x_log_x(double x) { return x > 0 ? x * std::log(x) : 0.0; }

/// Sums over the first i bins, so that each candidate costs as many logarithms as there are levels.
class Divergence {
 public:
  Divergence(std::span<const double> counts, int levels)
      : counts_(counts.begin(), counts.end()), levels_(static_cast<std::size_t>(levels)) {
    counts_[0] = counts_[1];
    sum_.push_back(0);
    entropy_.push_back(0);
    filled_.push_back(0);
    for (const double count : counts_) {
      sum_.push_back(sum_.back() + count);
      entropy_.push_back(entropy_.back() + x_log_x(count));
      filled_.push_back(filled_.back() + (count > 0 ? 1 : 0));
    }
  }

  double at(std::size_t bins) const {
    const double total = sum_.back(), kept = sum_[bins], beyond = total - kept;
    if (kept <= 0) return std::numeric_limits<double>::infinity();
    const double last = counts_[bins - 1] + beyond;
    double cross = 0;
    for (std::size_t level = 0; level < levels_; ++level) {
      const std::size_t first = level * bins / levels_, end = (level + 1) * bins / levels_;
      const double q = sum_[end] - sum_[first];
      const bool is_last = level + 1 == levels_;
      const double p = is_last ? q + beyond : q;
      if (p <= 0) continue;
      if (q <= 0) return std::numeric_limits<double>::infinity();
      const bool fills_one_more = is_last && counts_[bins - 1] <= 0 && beyond > 0;
      const double filled = filled_[end] - filled_[first] + (fills_one_more ? 1 : 0);
      cross += p * std::log(q / filled);
    }
    return (entropy_[bins - 1] + x_log_x(last) - cross) / total - std::log(total) + std::log(kept);
  }

 private:
  std::vector<double> counts_;
  std::size_t levels_;
  std::vector<double> sum_, entropy_, filled_;
};

}  // namespace

double kl_threshold(std::span<const double> counts, double end, int levels) {
  const Divergence divergence(counts, levels);
  std::size_t best = counts.size();
  double least = divergence.at(best);
  for (std::size_t bins = counts.size(); bins-- > static_cast<std::size_t>(levels);) {
    const double here = divergence.at(bins);
    if (here < least) {
      least = here;
      best = bins;
    }
  }
  return static_cast<double>(best) * end / static_cast<double>(counts.size());
}

}  // namespace qprep
