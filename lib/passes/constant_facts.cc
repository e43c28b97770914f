#include "passes/constant_facts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "support/parallel.h"

namespace qprep {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 16;
constexpr std::size_t kParallelFrom = std::size_t{1} << 20;

struct Seen {
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  float smallest = std::numeric_limits<float>::infinity();
  bool finite = true;
  bool zero = false;

  void look_at(float x) {
    if (!std::isfinite(x)) {
      finite = false;
      return;
    }
    min = std::min(min, x);
    max = std::max(max, x);
    if (x == 0) {
      zero = true;
    } else {
      smallest = std::min(smallest, std::fabs(x));
    }
  }

  void merge(const Seen& other) {
    min = std::min(min, other.min);
    max = std::max(max, other.max);
    smallest = std::min(smallest, other.smallest);
    finite = finite && other.finite;
    zero = zero || other.zero;
  }
};

}  // namespace

ConstantFacts constant_facts(const Tensor& tensor) {
  const auto count = static_cast<std::size_t>(tensor.size());
  const std::size_t blocks = (count + kBlock - 1) / kBlock;
  std::vector<Seen> seen(blocks);
  parallel_for(blocks, count < kParallelFrom ? 1 : 0, [&](std::size_t block) {
    const std::size_t end = std::min(count, (block + 1) * kBlock);
    for (std::size_t i = block * kBlock; i < end; ++i) {
      seen[block].look_at(tensor.at<float>(static_cast<std::int64_t>(i)));
    }
  });
  Seen all;
  for (const Seen& each : seen) all.merge(each);

  ConstantFacts facts;
  facts.finite = all.finite;
  facts.has_zero = all.zero;
  if (all.min <= all.max) {
    facts.min = all.min;
    facts.max = all.max;
  }
  if (std::isfinite(all.smallest)) facts.smallest = all.smallest;
  return facts;
}

}  // namespace qprep
