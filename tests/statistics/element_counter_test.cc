#include "statistics/element_counter.h"

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "quant/scale.h"
#include "statistics/channel_statistics.h"
#include "statistics/tensor_observer.h"

using namespace qprep;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// As behind a Relu: every other one is 0.
std::vector<float> rectified(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> all(count);
  for (float& x : all) x = std::max(0.0F, normal(random));
  return all;
}

ValueHistogram counted(ElementCounter& counter, std::span<const float> all, float magnitude) {
  HistogramRows rows;
  counter.count(all, magnitude);
  counter.add_to(rows, magnitude);
  return rows.histogram();
}

/// Bin by bin as value_histogram.h has it, one element after the other.
ValueHistogram defined(std::span<const float> all) {
  std::map<std::int32_t, std::uint64_t> counts;
  for (const float x : all) {
    if (!std::isfinite(x)) continue;
    const auto code = static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(std::fabs(x)) >> 13U);
    ++counts[std::signbit(x) ? -code : code];
  }
  std::vector<ValueHistogram::Bin> bins;
  for (const auto& [bin, count] : counts) bins.push_back({bin, count});
  return ValueHistogram(std::move(bins));
}

float magnitude_of(std::span<const float> all) { return range_of_data(all).magnitude(); }

}  // namespace

TEST_CASE("many elements, and many in one bin") {
  ElementCounter counter;
  const auto size = GENERATE(as<std::size_t>(), 1, 9, 131070, 131071, 400003);
  const std::vector<float> same(size, -3.7F), some = rectified(size, 5);
  CHECK(counted(counter, same, 3.7F) == defined(same));
  CHECK(counted(counter, some, magnitude_of(some)) == defined(some));
  CHECK(counted(counter, same, 3.7F) == defined(same));
}

TEST_CASE("what is not finite is not counted") {
  ElementCounter counter;
  std::vector<float> all = rectified(1000, 6);
  const ValueHistogram finite = counted(counter, all, magnitude_of(all));
  for (const float odd : {kInfinity, -kInfinity, std::nanf(""), -std::nanf("")})
    all.insert(all.begin() + 17, odd);
  CHECK(counted(counter, all, magnitude_of(all)) == finite);
  CHECK(counted(counter, std::vector<float>{kInfinity, std::nanf("")}, 0).empty());
}

TEST_CASE("a counter goes from one tensor to the next, of whatever magnitude") {
  ElementCounter counter;
  for (const float scale : {1.0F, 0x1p-140F, 0x1p120F, 0.0F, 0x1p-60F, 3.0F}) {
    std::vector<float> all = rectified(5000, 7);
    for (float& x : all) x *= scale;
    CHECK(counted(counter, all, magnitude_of(all)) == defined(all));
  }
}

TEST_CASE("an observer's histogram does not depend on the order of the samples") {
  std::vector<std::vector<float>> samples;
  for (const float scale : {1.0F, 300.0F, 0.01F, 0.0F}) {
    samples.push_back(rectified(40000, 8));
    samples.push_back(rectified(100, 9));
    for (std::size_t i = samples.size() - 2; i < samples.size(); ++i) {
      for (float& x : samples[i]) x *= -scale;
    }
  }
  const auto observed = [&] {
    TensorObserver observer(1, {.histogram = true, .channels = true}, 0);
    ElementCounter counter;
    for (const std::vector<float>& sample : samples) {
      const auto rows = static_cast<std::int64_t>(sample.size() / 2);
      observer.see(0, sample, std::vector<std::int64_t>{2, rows}, counter);
    }
    return observer.take(counter);
  };
  const TensorStatistics forwards = observed();
  std::reverse(samples.begin(), samples.end());
  CHECK(observed() == forwards);
  std::vector<float> all;
  for (const std::vector<float>& sample : samples) all.insert(all.end(), sample.begin(), sample.end());
  CHECK(forwards.histogram == defined(all));
}

TEST_CASE("a channel's range has the positive zero, whichever comes first") {
  const std::vector<std::int64_t> dims = {1, 2, 3};
  const std::vector<float> zeros = {0.0F, -0.0F, -0.0F, -0.0F, 0.0F, -1.0F};
  const auto seen = channel_statistics(zeros, dims, GENERATE(1, 2));
  REQUIRE(seen);
  for (const float x : seen->max) CHECK_FALSE(std::signbit(x));
  CHECK_FALSE(std::signbit(seen->min[0]));
}

TEST_CASE("channels are what their elements say, in rows of any length") {
  const auto inner = GENERATE(as<std::size_t>(), 1, 5, 16, 255, 256, 1000);
  std::vector<float> all = rectified(2 * 3 * inner, 10);
  for (std::size_t i = 0; i < all.size(); i += 3) all[i] -= 0.5F;
  const auto seen =
      channel_statistics(all, std::vector<std::int64_t>{2, 3, static_cast<std::int64_t>(inner)}, 1);
  REQUIRE(seen);
  REQUIRE(seen->channels() == 3);
  for (std::size_t c = 0; c < 3; ++c) {
    float low = kInfinity, high = -kInfinity;
    double sum = 0;
    for (const std::size_t row : {c, c + 3}) {
      for (std::size_t i = 0; i < inner; ++i) {
        const float x = all[row * inner + i];
        low = std::min(low, x);
        high = std::max(high, x);
        sum += static_cast<double>(x);
      }
    }
    CHECK(seen->min[c] == low);
    CHECK(seen->max[c] == high);
    CHECK(seen->sum[c].value() == Approx(sum).margin(1e-4));
  }
  all[0] = kInfinity;
  CHECK_FALSE(channel_statistics(all, std::vector<std::int64_t>{2, 3, static_cast<std::int64_t>(inner)}, 1));
}
