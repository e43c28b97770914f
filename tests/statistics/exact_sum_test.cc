#include "statistics/exact_sum.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

using qprep::ExactSum;

TEST_CASE("a sum does not depend on the order, nor on what was added up before") {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> exponent(-40.0, 40.0), mantissa(-1.0, 1.0);
  std::vector<double> all(2000);
  for (double& x : all) x = mantissa(random) * std::exp2(exponent(random));
  ExactSum sum;
  for (const double x : all) sum.add(x);
  std::shuffle(all.begin(), all.end(), random);
  ExactSum first, second;
  for (std::size_t i = 0; i < all.size(); ++i) (i % 3 == 0 ? first : second).add(all[i]);
  second.merge(first);
  CHECK(second == sum);
  CHECK(ExactSum(sum.high(), sum.low()) == sum);
}

TEST_CASE("what cancels leaves what is left") {
  ExactSum sum;
  for (const double x : {1e15, 0.5, -1e15, -0.25}) sum.add(x);
  CHECK(sum.value() == 0.25);
  sum.add(1e300);
  CHECK(sum.value() == 0x1p62 + 0.25);
}

TEST_CASE("negative sums survive being taken apart") {
  ExactSum sum;
  sum.add(-3.75);
  CHECK(sum.value() == -3.75);
  CHECK(ExactSum(sum.high(), sum.low()).value() == -3.75);
}
