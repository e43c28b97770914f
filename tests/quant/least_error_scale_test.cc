#include "quant/least_error_scale.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "quant/weight_scale.h"

using namespace qprep;

namespace {

double error_with(const std::vector<float>& numbers, double scale, std::int32_t zero_point,
                  QuantRange range) {
  double sum = 0;
  for (const float x : numbers) {
    const double step = std::nearbyint(static_cast<double>(x) / scale) + zero_point;
    const double there = (std::clamp<double>(step, range.min, range.max) - zero_point) * scale;
    sum += (there - static_cast<double>(x)) * (there - static_cast<double>(x));
  }
  return sum;
}

std::vector<float> drawn(std::size_t count, double outlier) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> numbers(count);
  for (float& x : numbers) x = normal(random);
  numbers.front() = static_cast<float>(outlier);
  return numbers;
}

}  // namespace

TEST_CASE("The scale that loses least is as good as any of two thousand") {
  for (const Scheme::Range kind : {Scheme::Range::kWhole, Scheme::Range::kNarrow, Scheme::Range::kFourBits}) {
    for (const double outlier : {0.0, 6.0, 40.0}) {
      for (const bool is_symmetric : {true, false}) {
        const std::vector<float> numbers = drawn(600, outlier);
        QuantSpec spec;
        spec.scheme.range = kind;
        spec.scheme.symmetric = is_symmetric;
        const QuantRange range = range_of(spec);
        const auto [min, max] = std::minmax_element(numbers.begin(), numbers.end());
        const auto found = least_error_scale(numbers, *min, *max, spec.scheme, range);
        REQUIRE(found);
        const double error = error_with(numbers, static_cast<double>(found->scale), found->zero_point, range);
        double least = error;
        for (int i = 1; i <= 2000; ++i) {
          const auto factor = static_cast<float>(0.25 + 0.75 * i / 2000.0);
          const auto to = scale_for(factor * *min, factor * *max, spec.scheme, range);
          REQUIRE(to);
          least = std::min(least, error_with(numbers, static_cast<double>(to->scale), to->zero_point, range));
        }
        CAPTURE(outlier, is_symmetric, static_cast<int>(kind));
        CHECK(error <= 1.05 * least);
      }
    }
  }
}

TEST_CASE("One large number among many is cut off, a few numbers are kept whole") {
  const std::vector<float> many = drawn(10'000, 40.0);
  const auto cut = least_error_scale(many, -4, 40, Scheme{.range = Scheme::Range::kFourBits}, {-8, 7});
  REQUIRE(cut);
  CHECK(cut->scale * 8 < 30);
  const std::vector<float> ends = {-1.0F, 0.0F, 1.0F};
  const auto whole = least_error_scale(ends, -1, 1, {}, range_of(Precision::kInt8));
  REQUIRE(whole);
  CHECK(whole->scale == 1.0F / 127.0F);
}

TEST_CASE("Weights with the observer mse lose least channel by channel, whatever the axis") {
  const std::vector<float> numbers = drawn(3 * 4 * 50, 9.0);
  const Tensor weight = Tensor::floats({3, 4, 50}, numbers);
  QuantSpec spec;
  spec.channel_axis = 1;
  const auto usual = weight_scale(weight, spec);
  spec.observer = "mse";
  const auto least = weight_scale(weight, spec);
  REQUIRE(usual);
  REQUIRE(least);
  CHECK(least->scale.dims() == usual->scale.dims());
  for (std::size_t c = 0; c < 4; ++c) {
    std::vector<float> channel;
    for (std::size_t o = 0; o < 3; ++o) {
      const auto row = numbers.begin() + static_cast<std::ptrdiff_t>((o * 4 + c) * 50);
      channel.insert(channel.end(), row, row + 50);
    }
    const auto [min, max] = std::minmax_element(channel.begin(), channel.end());
    const auto alone = least_error_scale(channel, *min, *max, spec.scheme, range_of(spec));
    REQUIRE(alone);
    CHECK(least->scale.to_vector<float>()[c] == alone->scale);
  }
  const Tensor zeros = Tensor::floats({2, 3}, {0, 0, 0, 1, -1, 0.5F});
  spec.channel_axis = 0;
  const auto with_zeros = weight_scale(zeros, spec);
  REQUIRE(with_zeros);
  CHECK(with_zeros->zero_channels == std::vector<std::int64_t>{0});
  CHECK(with_zeros->scale.to_vector<float>()[0] == kZeroRangeScale);
}
