#include "analysis/sample_stack.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <vector>

using namespace qprep;

namespace {

using Dims64 = std::vector<std::int64_t>;

Sample sample_of(Tensor tensor) {
  Sample sample;
  sample.feeds.emplace("x", std::move(tensor));
  return sample;
}

std::vector<float> of_sample(const std::vector<float>& elements, const StackedTensor& tensor, std::size_t k,
                             std::size_t count) {
  std::vector<float> room;
  const std::span<const float> found = sample_of_stack(elements, tensor, k, count, room);
  return {found.begin(), found.end()};
}

std::string why_not(const StackTrial& trial) {
  const auto verdict = trial.verdict();
  const auto* difference = std::get_if<StackTrial::Difference>(&verdict);
  return difference ? std::to_string(difference->tensor) + " " + difference->what : "";
}

}  // namespace

TEST_CASE("samples are stacked along the first axis") {
  const std::vector<Sample> samples = {sample_of(Tensor::floats({1, 2}, {1, 2})),
                                       sample_of(Tensor::floats({1, 2}, {3, 4})),
                                       sample_of(Tensor::floats({1, 2}, {5, 6}))};
  const auto feeds = stacked(samples);
  REQUIRE(std::holds_alternative<Feeds>(feeds));
  const Tensor& x = std::get<Feeds>(feeds).at("x");
  CHECK(x.dims() == Dims{3, 2});
  CHECK(x.to_vector<float>() == std::vector<float>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("what is no stack says why") {
  const Sample two = sample_of(Tensor::floats({1, 2}, {1, 2}));
  const Sample three = sample_of(Tensor::floats({1, 3}, {1, 2, 3}));
  const Sample scalar = sample_of(Tensor::scalar(1));
  Sample steps = two;
  steps.later.emplace_back();
  Sample other = two;
  other.feeds.emplace("y", Tensor::scalar(1));
  const auto why = [](std::vector<Sample> samples) {
    const auto feeds = stacked(samples);
    return std::holds_alternative<std::string>(feeds) ? std::get<std::string>(feeds) : "";
  };
  CHECK(why({two, two}).empty());
  CHECK(why({two, three}) == "the samples have different sizes: the input 'x' has [1,2] and [1,3]");
  CHECK(why({scalar, scalar}) == "the input 'x' is a scalar");
  CHECK(why({two, steps}) == "the samples have several steps");
  CHECK(why({two, other}) == "the samples have different inputs");
  CHECK(why({other, two}) == "the samples have different inputs");
}

TEST_CASE("the axis of the samples is the one that has so many times the size") {
  const auto axis = [](const Dims64& one, const Dims64& all) {
    const auto tensor = stacked_tensor(one, all, 4);
    if (!tensor) return -2;
    CHECK(tensor->dims == one);
    return tensor->axis ? static_cast<int>(*tensor->axis) : -1;
  };
  CHECK(axis({1, 3, 5}, {4, 3, 5}) == 0);
  CHECK(axis({7, 2, 5}, {7, 8, 5}) == 1);
  CHECK(axis({6, 5}, {24, 5}) == 0);
  CHECK(axis({2, 3}, {2, 3}) == -1);
  CHECK(axis({}, {}) == -1);
  CHECK(axis({2, 3}, {2, 4}) == -2);
  CHECK(axis({2, 3}, {8, 12}) == -2);
  CHECK(axis({2, 3}, {8, 3, 1}) == -2);
}

TEST_CASE("a sample's elements are those along the axis of the samples") {
  std::vector<float> elements(12);
  std::iota(elements.begin(), elements.end(), 0.0F);
  CHECK(of_sample(elements, {{1, 4}, 0}, 1, 3) == std::vector<float>{4, 5, 6, 7});
  CHECK(of_sample(elements, {{2, 1, 2}, 1}, 0, 3) == std::vector<float>{0, 1, 6, 7});
  CHECK(of_sample(elements, {{2, 1, 2}, 1}, 2, 3) == std::vector<float>{4, 5, 10, 11});
  CHECK(of_sample(elements, {{2, 2}, 1}, 1, 3) == std::vector<float>{2, 3, 8, 9});
  CHECK(of_sample(elements, {{12}, std::nullopt}, 2, 3) == elements);
}

TEST_CASE("a trial tells whether every bit is the same") {
  const Dims64 one = {1, 2}, all = {2, 2};
  StackTrial trial(3, 2);
  const auto see = [&](const std::vector<float>& together) {
    trial.see_one(0, 0, one, std::vector<float>{1, 2});
    trial.see_one(0, 1, one, std::vector<float>{3, 0});
    trial.see_one(2, 0, one, std::vector<float>{5, 5});
    trial.see_one(2, 1, one, std::vector<float>{5, 5});
    trial.see_all(0, all, together);
  };
  SECTION("it is") {
    see({1, 2, 3, 0});
    trial.see_all(2, one, std::vector<float>{5, 5});
    const auto verdict = trial.verdict();
    REQUIRE(std::holds_alternative<StackTrial::Layout>(verdict));
    CHECK(std::get<StackTrial::Layout>(verdict) ==
          StackTrial::Layout{StackedTensor{one, 0}, std::nullopt, StackedTensor{one, std::nullopt}});
  }
  SECTION("zero with another sign has other bits") {
    see({1, 2, 3, -0.0F});
    trial.see_all(2, one, std::vector<float>{5, 5});
    CHECK(why_not(trial) == "0 has other bits than of each by itself");
  }
  SECTION("the second sample may differ in what all share") {
    see({1, 2, 3, 0});
    trial.see_all(2, one, std::vector<float>{5, 6});
    CHECK(why_not(trial) == "2 has other bits than of each by itself");
  }
  SECTION("sizes") {
    see({1, 2, 3, 0});
    trial.see_all(2, Dims64{1, 3}, std::vector<float>{5, 5, 5});
    CHECK(why_not(trial) == "2 is [1,3], and [1,2] of one");
  }
  SECTION("not computed of all") {
    see({1, 2, 3, 0});
    CHECK(why_not(trial) == "2 is computed of some samples only");
  }
  SECTION("not computed of one") {
    see({1, 2, 3, 0});
    trial.see_one(1, 0, one, std::vector<float>{5, 5});
    trial.see_all(2, one, std::vector<float>{5, 5});
    CHECK(why_not(trial) == "1 is computed of some samples only");
  }
}
