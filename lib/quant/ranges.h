#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>

namespace qprep {

/// What calibration saw of one tensor, over all samples. min and max are of the finite elements only; NaN and
/// infinities are counted and do not widen the range. Merging is commutative and associative.
struct Range {
  float min = std::numeric_limits<float>::infinity();  // min > max: no finite element was seen
  float max =
      -std::numeric_limits<float>::infinity();  // zero is always +0, so that equal ranges have equal bytes
  std::uint64_t count = 0;                      // elements, NaN and infinities included
  std::uint64_t nan = 0;
  std::uint64_t infinite = 0;

  bool empty() const { return min > max; }
  void merge(const Range& other) {
    if (other.min < min) min = other.min;
    if (other.max > max) max = other.max;
    count += other.count;
    nan += other.nan;
    infinite += other.infinite;
  }
  friend bool operator==(const Range&, const Range&) = default;
};

/// By the tensor's name in the model that was run.
using Ranges = std::map<std::string, Range>;

}  // namespace qprep
