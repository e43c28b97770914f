#pragma once

#include <span>

namespace qprep {

/// The end of the range with the least divergence. The first bin counts as the second one, as usual: zeros,
/// which a ReLU makes many of, are exact whatever the range. Given: `counts` of magnitudes in bins of equal
/// width from 0 to `end`; fewer levels (integers from 0 on) than bins.
///
/// For each i from `levels` to the number of bins: P is the first i bins, the last of them with all that lies
/// beyond. Q spreads what each level holds, without what lies beyond, evenly over those of its bins that P
/// does not leave empty; level j has the bins from floor(j i / levels) on. The least of sum p log(p / q),
/// with p and q the two of sum 1, decides; of equal ones, the largest i. Result: i * end / bins.
double kl_threshold(std::span<const double> counts, double end, int levels);

}  // namespace qprep
