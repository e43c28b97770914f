#pragma once

#include <optional>
#include <vector>

#include "plan/observer.h"
#include "statistics/tensor_statistics.h"

/// From what was seen of a tensor to the range that its integers cover.
namespace qprep {

/// The range, and how it was found.
struct ObservedRange {
  Range range;      // its counts are those of the tensor
  ObserverSpec by;  // of mix and auto: the one that was taken
  /// The mean squares of the tensor and of what quantising with the range does to it; none without a
  /// histogram.
  std::optional<double> signal;
  double error = 0;
};

/// Given: the tensor has a histogram if the observer needs one.
///
/// With m the largest magnitude and x the finite elements of all samples:
///   auto: as mse; what is better is found with the model, not with one tensor.
///   min_max: [min x, max x].
///   mean_range: the means of the samples' minima and maxima.
///   moving_average: a = first sample's min (max), then a += c (min of sample - a), in the order of the
///     samples' names (MovingAverageMinMaxObserver).
///   percentile: t such that p % of |x| are at most t: [-t, t]; asymmetric: the p-th and the (100 - p)-th
///     percentile of x.
///   mse: the t <= m (asymmetric: the two ends) whose scale makes the least mean of (x - Q(x))^2, sought in
///     steps of 1/8 octave, then down to 1/64; if that is m, or the t with which m is the largest integer.
///   kl: the t of m / bins * i whose distribution of |x|, all beyond t counted in the last of i bins, differs
///     least from the one that the integers can tell apart (Kullback and Leibler's divergence; Migacz, "8-bit
///     inference with TensorRT", 2017; kl_threshold.h). Where there are at least as many integers as bins: m.
///   mix: of min_max, percentile and kl the one with the least mean of (x - Q(x))^2.
///   clip: min x and max x, each no farther out than clip_min to clip_max.
///   clip_std: what mean +- deviations * standard deviation leaves of [min x, max x].
///   lsq: scale = 2 mean|x| / sqrt(quant_max), where learning the scale begins (Esser et al., "Learned Step
///   Size
///     Quantization", 2020, 2.1); asymmetric: mean +- 3 standard deviations (LSQ+; Bhalgat et al.,
///     2020, 3.2).
///   pact: [-alpha, alpha], unsigned or asymmetric [0, alpha], where learning alpha begins (Choi et al.,
///   "PACT", 2018).
/// But for those of mse, lsq and pact no range reaches beyond [min x, max x]. A tensor of which every sample
/// is 0, that has no finite element, or one that is not, has the range of min_max, whatever the observer.
ObservedRange observe(const TensorStatistics& tensor, const ObserverSpec& spec, const Scheme& scheme,
                      QuantRange range);

/// mean_range and moving_average of each channel, from its ranges in single samples. Result: empty where
/// these are not known for every channel, or `spec` is another observer.
std::vector<ChannelEnds> averages_of_channels(const TensorStatistics& tensor, const ObserverSpec& spec);

}  // namespace qprep
