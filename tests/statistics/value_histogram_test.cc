#include "statistics/value_histogram.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <random>

#include "quant/scale.h"
#include "statistics/element_counter.h"

using namespace qprep;

namespace {

/// Numbers of many magnitudes, zeros among them.
std::vector<float> numbers(std::size_t count, unsigned seed, float octaves = 12.0F) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> exponent(-octaves, octaves);
  std::vector<float> all(count);
  for (float& x : all) x = normal(random) * std::exp2(exponent(random));
  for (std::size_t i = 0; i < count; i += 7) all[i] = i % 2 == 0 ? 0.0F : -0.0F;
  return all;
}

float magnitude_of(std::span<const float> all) { return range_of_data(all).magnitude(); }

ValueHistogram counted(std::span<const float> all) {
  ElementCounter counter;
  HistogramRows rows;
  counter.count(all, magnitude_of(all));
  counter.add_to(rows, magnitude_of(all));
  return rows.histogram();
}

}  // namespace

TEST_CASE("every number is in the one bin whose edges hold it") {
  const std::vector<float> all = numbers(20000, 1, GENERATE(2.0F, 12.0F, 40.0F));
  const ValueHistogram histogram = counted(all);
  CHECK(histogram.total() == all.size());
  std::map<std::int32_t, std::uint64_t> expected;
  for (const float x : all) {
    std::size_t holders = 0;
    for (const ValueHistogram::Bin& bin : histogram.bins()) {
      const BinEdges edges = edges_of(bin.bin, histogram.top_octave());
      const bool holds = bin.bin == 0  ? std::fabs(x) < 0x1p-129F
                         : bin.bin > 0 ? x >= edges.low && x < edges.high
                                       : x > edges.low && x <= edges.high;
      if (!holds) continue;
      ++holders;
      ++expected[bin.bin];
    }
    if (holders != 1) FAIL("x = " << x << " is in " << holders << " bins");
  }
  for (const ValueHistogram::Bin& bin : histogram.bins()) CHECK(expected[bin.bin] == bin.count);
}

TEST_CASE("bins are as narrow as promised") {
  const std::vector<float> all = numbers(20000, 2, 40.0F);
  const ValueHistogram histogram = counted(all);
  const float largest = std::fabs(*std::max_element(
      all.begin(), all.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); }));
  for (const ValueHistogram::Bin& bin : histogram.bins()) {
    if (bin.bin == 0) continue;
    const BinEdges edges = edges_of(bin.bin, histogram.top_octave());
    const double near = std::min(std::fabs(edges.low), std::fabs(edges.high));
    CHECK(edges.high - edges.low <= largest / 1000.0);
    if (near >= std::ldexp(largest, -24)) CHECK(edges.high - edges.low <= near / 128.0);
    CHECK(edges.high - edges.low <= near / 8.0);
  }
}

TEST_CASE("parts of the numbers, counted apart, add up to all of them") {
  std::vector<float> all = numbers(5000, 3, 30.0F);
  std::sort(all.begin(), all.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  const ValueHistogram whole = counted(all);
  const auto part = GENERATE(as<std::size_t>(), 1, 7, 400, 4999);
  ValueHistogram upwards, downwards;
  for (std::size_t at = 0; at < all.size(); at += part) {
    upwards.merge(counted(std::span(all).subspan(at, std::min(part, all.size() - at))));
  }
  for (std::size_t end = all.size(); end > 0; end -= std::min(part, end)) {
    const std::size_t first = end - std::min(part, end);
    downwards.merge(counted(std::span(all).subspan(first, end - first)));
  }
  CHECK(upwards == whole);
  CHECK(downwards == whole);
}

TEST_CASE("rows that grow count as if the largest number came first") {
  std::vector<float> all = numbers(3000, 4, 30.0F);
  ElementCounter counter;
  const auto grown = [&] {
    HistogramRows rows;
    float magnitude = 0;
    for (const float& x : all) {
      magnitude = std::max(magnitude, std::fabs(x));
      counter.count({&x, 1}, std::fabs(x));
      counter.add_to(rows, magnitude);
    }
    return rows.histogram();
  };
  std::sort(all.begin(), all.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  const ValueHistogram upwards = grown();
  std::reverse(all.begin(), all.end());
  CHECK(grown() == upwards);
  CHECK(counted(all) == upwards);
}

TEST_CASE("both zeros, the smallest and the largest numbers") {
  const float largest = std::numeric_limits<float>::max(),
              smallest = std::numeric_limits<float>::denorm_min();
  const ValueHistogram histogram =
      counted(std::vector<float>{0.0F, -0.0F, smallest, -smallest, largest, -largest});
  REQUIRE(histogram.bins().size() == 3);
  CHECK(histogram.bins()[1] == ValueHistogram::Bin{0, 4});
  const BinEdges top = edges_of(histogram.bins()[2].bin, histogram.top_octave());
  CHECK(top.low <= largest);
  CHECK(top.high == 0x1p128);
  CHECK(counted({}).empty());
}
