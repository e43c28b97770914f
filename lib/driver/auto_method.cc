#include "driver/auto_method.h"

namespace qprep {

MethodSearch search_of(const std::optional<MethodSearch>& configured) {
  MethodSearch search = configured.value_or(MethodSearch{});
  if (search.observers.empty()) {
    search.observers = {{.observer = Observer::kMse},
                        {.observer = Observer::kKl},
                        {.observer = Observer::kPercentile, .percentile = 99.9},
                        {.observer = Observer::kPercentile, .percentile = 99.99},
                        {.observer = Observer::kPercentile, .percentile = 99.999},
                        {.observer = Observer::kMinMax}};
  }
  return search;
}

std::size_t best_of(std::span<const MethodTrial> trials, ResultMetric metric) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < trials.size(); ++i) {
    if (trials[i].figures.distance(metric) < trials[best].figures.distance(metric)) best = i;
  }
  return best;
}

}  // namespace qprep
