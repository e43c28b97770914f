#include "passes/constant_facts.h"

#include <catch2/catch.hpp>
#include <limits>
#include <vector>

namespace qprep {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

ConstantFacts facts_of(std::vector<float> values) {
  const auto size = static_cast<std::int64_t>(values.size());
  return constant_facts(Tensor::floats({size}, std::move(values)));
}

}  // namespace

TEST_CASE("the facts of a constant are of its finite elements") {
  const ConstantFacts plain = facts_of({-3, 2, 0.5F});
  CHECK(plain.min == -3);
  CHECK(plain.max == 2);
  CHECK(plain.smallest == 0.5);
  CHECK(plain.finite);
  CHECK_FALSE(plain.has_zero);

  const ConstantFacts odd = facts_of({kInfinity, -1, kNaN, -0.0F});
  CHECK(odd.min == -1);
  CHECK(odd.max == 0);
  CHECK(odd.smallest == 1);
  CHECK_FALSE(odd.finite);
  CHECK(odd.has_zero);

  const ConstantFacts denormal = facts_of({std::numeric_limits<float>::denorm_min()});
  CHECK(denormal.smallest == static_cast<double>(std::numeric_limits<float>::denorm_min()));
  CHECK_FALSE(denormal.has_zero);
}

TEST_CASE("a constant without a finite element has no range") {
  for (const std::vector<float>& values : {std::vector<float>{}, {kNaN}, {kInfinity, -kInfinity}}) {
    const ConstantFacts facts = facts_of(values);
    CHECK(facts.min == 0);
    CHECK(facts.max == 0);
    CHECK(facts.smallest == 0);
    CHECK(facts.finite == values.empty());
  }
}

TEST_CASE("the facts of a large constant do not depend on where its elements stand") {
  constexpr std::size_t kCount =
      (std::size_t{1} << 20) + 12345;  // above the limit from which threads share it
  std::vector<float> values(kCount, 0.25F);
  for (const std::size_t at : {std::size_t{0}, std::size_t{65535}, std::size_t{65536}, kCount - 1}) {
    std::vector<float> with_extremes = values;
    with_extremes[at] = -7;
    with_extremes[kCount / 2] = 0;
    const ConstantFacts facts = facts_of(with_extremes);
    CHECK(facts.min == -7);
    CHECK(facts.max == 0.25);
    CHECK(facts.smallest == 0.25);
    CHECK(facts.has_zero);
    CHECK(facts.finite);
    with_extremes[at] = kNaN;
    CHECK_FALSE(facts_of(with_extremes).finite);
  }
}

}  // namespace qprep
