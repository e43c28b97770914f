#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/observer.h"
#include "support/diagnostics.h"

/// What method auto compares, and by what.
namespace qprep {

/// Words of configurations: "sqnr", "cosine_similarity", "mse", "mae", "chebyshev".
enum class ResultMetric { kSqnr, kCosineSimilarity, kMse, kMae, kChebyshev };

std::string_view to_text(ResultMetric metric);
std::optional<ResultMetric> metric_from(std::string_view word);
std::vector<std::string> metric_words();

/// How far what a quantised model makes is from what the float model makes. With r a result, f that of the
/// float model, n its elements in all samples, and the mean over the results:
struct ResultFigures {
  double noise = 0;   // mean of sum (r - f)^2 / sum (f - mean f)^2; of an f that never varies, the numerator
  double cosine = 1;  // mean of sum r f / sqrt(sum r^2 sum f^2); 1 where both are 0, 0 where one is
  double mse = 0;     // mean of sum (r - f)^2 / n
  double mae = 0;     // mean of sum |r - f| / n
  double chebyshev = 0;     // the largest |r - f| of all results
  std::size_t results = 0;  // with a finite element in the float model; all others are left out

  /// Less is nearer.
  double distance(ResultMetric metric) const;
};

struct MethodSearch {
  std::vector<ObserverSpec> observers;  // empty: auto's own; of equally good ones, the first is taken
  ResultMetric metric = ResultMetric::kCosineSimilarity;
  std::optional<double> similarity = {};  // the cosine similarity that is to be reached
  bool per_channel = false;  // where it is not, they are compared with a scale for each channel, too
  Where where = {};
};

}  // namespace qprep
