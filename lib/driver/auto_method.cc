#include "driver/auto_method.h"

namespace qprep {

std::vector<ObserverSpec> auto_observers() {
  return {{.observer = Observer::kMse},
          {.observer = Observer::kKl},
          {.observer = Observer::kPercentile, .percentile = 99.9},
          {.observer = Observer::kPercentile, .percentile = 99.99},
          {.observer = Observer::kPercentile, .percentile = 99.999},
          {.observer = Observer::kMinMax}};
}

std::size_t best_of(std::span<const MethodTrial> trials) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < trials.size(); ++i) {
    if (trials[i].error < trials[best].error) best = i;
  }
  return best;
}

}  // namespace qprep
