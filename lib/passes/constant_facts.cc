#include "passes/constant_facts.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "support/parallel.h"

namespace qprep {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 16;
constexpr std::size_t kParallelFrom = std::size_t{1} << 20;

constexpr std::uint32_t kInfinity = 0x7F800000U;  // the bits of +Inf; above it, NaN

/// The bits of a float as an integer of the same order; its own inverse.
std::int32_t ordered(std::int32_t bits) { return bits ^ ((bits >> 31) & 0x7FFFFFFF); }

/// In integers, whose minima and maxima the compiler computes several at a time.
struct Seen {
  std::int32_t min = std::numeric_limits<std::int32_t>::max();  // ordered(); of the finite elements, as max
  std::int32_t max = std::numeric_limits<std::int32_t>::min();
  std::uint32_t smallest = kInfinity;  // bits of the smallest |x| that is not zero
  std::uint32_t largest = 0;           // bits of the largest |x|, Inf and NaN included
  bool zero = false;

  /// Given: `count` floats at `data`.
  void look_at(const std::byte* data, std::size_t count) {
    Seen seen = *this;
    for (std::size_t i = 0; i < count; ++i) {
      std::int32_t bits;
      __builtin_memcpy(&bits, data + i * sizeof bits, sizeof bits);
      const std::uint32_t magnitude = static_cast<std::uint32_t>(bits) & 0x7FFFFFFFU;
      const bool finite = magnitude < kInfinity;
      const std::int32_t low = finite ? ordered(bits) : std::numeric_limits<std::int32_t>::max();
      const std::int32_t high = finite ? ordered(bits) : std::numeric_limits<std::int32_t>::min();
      seen.min = std::min(seen.min, low);
      seen.max = std::max(seen.max, high);
      seen.smallest = std::min(seen.smallest, magnitude == 0 ? kInfinity : magnitude);
      seen.largest = std::max(seen.largest, magnitude);
      seen.zero |= magnitude == 0;
    }
    *this = seen;
  }

  void merge(const Seen& other) {
    min = std::min(min, other.min);
    max = std::max(max, other.max);
    smallest = std::min(smallest, other.smallest);
    largest = std::max(largest, other.largest);
    zero = zero || other.zero;
  }
};

std::size_t blocks_of(const Tensor& tensor) {
  return (static_cast<std::size_t>(tensor.size()) + kBlock - 1) / kBlock;
}

double number(std::int32_t order) { return static_cast<double>(std::bit_cast<float>(ordered(order))); }

/// look_at(block, floats at, their number) for all blocks of a float32 tensor, on several threads.
template <typename LookAt>
void for_each_block(const Tensor& tensor, const LookAt& look_at) {
  const auto count = static_cast<std::size_t>(tensor.size());
  parallel_for(blocks_of(tensor), count < kParallelFrom ? 1 : 0, [&](std::size_t block) {
    thread_local std::vector<std::byte> room;
    const std::size_t first = block * kBlock;
    const std::size_t size = std::min(kBlock, count - first);
    look_at(block, tensor.payload().piece(first * sizeof(float), size * sizeof(float), room).data(), size);
  });
}

}  // namespace

bool all_finite(const Tensor& tensor) {
  std::vector<std::uint32_t> largest(blocks_of(tensor), 0);
  for_each_block(tensor, [&](std::size_t block, const std::byte* data, std::size_t size) {
    std::uint32_t most = 0;
    for (std::size_t i = 0; i < size; ++i) {
      std::uint32_t bits;
      __builtin_memcpy(&bits, data + i * sizeof bits, sizeof bits);
      most = std::max(most, bits & 0x7FFFFFFFU);
    }
    largest[block] = most;
  });
  return std::all_of(largest.begin(), largest.end(), [](std::uint32_t bits) { return bits < kInfinity; });
}

ConstantFacts constant_facts(const Tensor& tensor) {
  std::vector<Seen> seen(blocks_of(tensor));
  for_each_block(tensor, [&](std::size_t block, const std::byte* data, std::size_t size) {
    seen[block].look_at(data, size);
  });
  Seen all;
  for (const Seen& each : seen) all.merge(each);

  ConstantFacts facts;
  facts.finite = all.largest < kInfinity;
  facts.has_zero = all.zero;
  if (all.min <= all.max) {
    facts.min = number(all.min);
    facts.max = number(all.max);
  }
  if (all.smallest < kInfinity) facts.smallest = static_cast<double>(std::bit_cast<float>(all.smallest));
  return facts;
}

}  // namespace qprep
