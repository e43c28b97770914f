#include "quant/scale.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "quant/weight_scale.h"

namespace qprep {
namespace {

constexpr QuantRange kInt8{-128, 127}, kInt16{-32768, 32767};
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kLargest = std::numeric_limits<float>::max();

QuantSpec spec(std::int64_t axis, Precision precision = Precision::kInt8) {
  return {.precision = precision, .channel_axis = axis};
}

}  // namespace

TEST_CASE("scale is the magnitude over half the integers' width") {
  CHECK(*scale_of(127.5F, kInt8) == 1.0F);
  CHECK(*scale_of(32767.5F, kInt16) == 1.0F);
  // The printed examples of the plugin's documentation, in their digits.
  CHECK(*scale_of(0.9997096F, kInt8) == Approx(0.0078409).margin(5e-8));
  CHECK(*scale_of(0.9999191F, kInt8) == Approx(0.0078425).margin(5e-8));
  CHECK(*scale_of(8659.6436F, kInt16) == Approx(0.2642754).margin(5e-8));
  std::mt19937 random(1);
  for (int i = 0; i < 10000; ++i) {
    const float magnitude = std::exp2(static_cast<float>(random() % 20000) / 100.0F - 100.0F);
    const long double exact = static_cast<long double>(magnitude) * 2.0L / 255.0L;
    const float scale = *scale_of(magnitude, kInt8);
    REQUIRE(std::fabs(static_cast<long double>(scale) - exact) <=
            std::fabs(static_cast<long double>(std::nextafter(scale, kInf)) - exact));
    REQUIRE(std::fabs(static_cast<long double>(scale) - exact) <=
            std::fabs(static_cast<long double>(std::nextafter(scale, 0.0F)) - exact));
  }
}

TEST_CASE("what leaves no scale") {
  for (const float magnitude : {0.0F, 1e-45F, 1e-37F, kInf, kNaN, kLargest})
    CHECK_FALSE(scale_of(magnitude, kInt8));
  CHECK(scale_of(1.5e-36F, kInt8).has_value());
  CHECK_FALSE(scale_of(1.5e-36F, kInt16));
  CHECK(scale_of(3.38e38F, kInt8).has_value());

  for (const float magnitude : {0.0F, 1e-45F, 1e-37F})
    CHECK(*weight_scale_of(magnitude, kInt8) == kZeroRangeScale);
  for (const float magnitude : {kInf, kNaN, kLargest}) CHECK_FALSE(weight_scale_of(magnitude, kInt8));
  CHECK(kZeroRangeScale == std::ldexp(1.0F, -23));
}

TEST_CASE("a range counts what is not finite and does not depend on the order") {
  std::vector<float> data = {3.0F, -1.0F, -0.0F, 2.0F, 1.0F, 7.5F, -2.25F, 0.5F, 1.0F, -4.0F, 6.0F};
  const Range plain = range_of_data(data);
  CHECK(plain == Range{-4.0F, 7.5F, 11, 0, 0});
  CHECK(plain.magnitude() == 7.5F);
  data.insert(data.begin() + 2, {kNaN, kInf, -kInf});
  const Range odd = range_of_data(data);
  CHECK(odd == Range{-4.0F, 7.5F, 11, 2, 1});
  CHECK_FALSE(odd.all_finite());

  const Range zero = range_of_data(std::vector<float>{-0.0F, -0.0F});
  CHECK_FALSE(std::signbit(zero.min));
  const Range none = range_of_data({});
  CHECK_FALSE(none.seen());
  CHECK(none.magnitude() == 0.0F);
  CHECK(range_of_data(std::vector<float>{kNaN, kNaN}).magnitude() == 0.0F);

  Range forward, backward;
  for (std::size_t i = 0; i < data.size(); ++i) {
    forward.merge(range_of_data(std::span(data).subspan(i, 1)));
    backward.merge(range_of_data(std::span(data).subspan(data.size() - 1 - i, 1)));
  }
  CHECK(forward == odd);
  CHECK(backward == odd);
}

TEST_CASE("weight scales equal a plain loop on random shapes and axes") {
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  for (int round = 0; round < 60; ++round) {
    Dims dims(1 + random() % 4);
    for (auto& dim : dims) dim = 1 + static_cast<std::int64_t>(random() % 7);
    if (round % 20 == 0) dims.front() = 1 + (std::int64_t{5} << 20) / (*element_count(dims) / dims.front());
    const std::int64_t axis = static_cast<std::int64_t>(random() % (dims.size() + 1)) - 1;
    const auto count = static_cast<std::size_t>(*element_count(dims));
    auto bytes = std::make_shared<std::vector<std::byte>>(count * 4 + 3);
    const std::int64_t channels = axis < 0 ? 1 : dims[static_cast<std::size_t>(axis)];
    std::size_t inner = 1;
    for (std::size_t i = static_cast<std::size_t>(axis + 1); i < dims.size(); ++i)
      inner *= static_cast<std::size_t>(dims[i]);
    std::vector<float> largest(static_cast<std::size_t>(channels), 0.0F);
    for (std::size_t i = 0; i < count; ++i) {
      const float v = normal(random);
      __builtin_memcpy(bytes->data() + 3 + i * 4, &v, 4);
      float& channel = largest[axis < 0 ? 0 : i / inner % largest.size()];
      channel = std::max(channel, std::fabs(v));
    }
    const Tensor w(DType::kFloat32, dims, std::span(*bytes).subspan(3), bytes);
    const Precision precision = round % 2 == 0 ? Precision::kInt8 : Precision::kInt16;
    const auto result = weight_scale(w, spec(axis, precision));
    REQUIRE(result);
    REQUIRE(result->scale.dims() == channel_dims(dims.size(), axis, channels));
    REQUIRE(result->zero_point.dims() == result->scale.dims());
    REQUIRE(result->zero_channels.empty());
    for (std::size_t c = 0; c < largest.size(); ++c) {
      REQUIRE(result->scale.at<float>(static_cast<std::int64_t>(c)) ==
              scale_of(largest[c], range_of(precision)));
      REQUIRE(result->zero_point.at<std::int32_t>(static_cast<std::int64_t>(c)) == 0);
    }
  }
}

TEST_CASE("weights that are zero, not finite, too large or empty") {
  const auto zero = weight_scale(Tensor::floats({3, 2}, {0.0F, -0.0F, 1.0F, -2.0F, 1e-40F, 0.0F}), spec(0));
  REQUIRE(zero);
  CHECK(zero->scale.dims() == Dims{3, 1});
  CHECK(zero->zero_channels == std::vector<std::int64_t>{0, 2});
  CHECK(zero->scale.to_vector<float>() ==
        std::vector<float>{kZeroRangeScale, 2.0F / 127.5F, kZeroRangeScale});

  std::string why;
  CHECK_FALSE(weight_scale(Tensor::floats({2}, {kNaN, 1.0F}), spec(-1), &why));
  CHECK(why == "it holds NaN or infinity");
  CHECK_FALSE(weight_scale(Tensor::floats({2}, {1.0F, -kInf}), spec(0)));
  CHECK_FALSE(weight_scale(Tensor::floats({1}, {kLargest}), spec(-1), &why));
  CHECK(why.starts_with("its largest magnitude is 3.4028"));
  CHECK_FALSE(weight_scale(Tensor::floats({0, 3}, {}), spec(1), &why));
  CHECK(why == "it has no elements");
  const auto scalar = weight_scale(Tensor::scalar(-3.0F), spec(-1));
  REQUIRE(scalar);
  CHECK(scalar->scale.dims().empty());
}

TEST_CASE("scales of channels broadcast against their tensor") {
  CHECK(channel_dims(4, 0, 8) == Dims{8, 1, 1, 1});
  CHECK(channel_dims(4, 1, 8) == Dims{8, 1, 1});
  CHECK(channel_dims(2, 1, 8) == Dims{8});
  CHECK(channel_dims(3, -1, 8) == Dims{});
}

TEST_CASE("a range is that of its elements, however many and wherever the odd ones are") {
  const auto size = GENERATE(as<std::size_t>(), 1, 15, 16, 17, 47);
  std::vector<float> data(size);
  for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<float>((i * 29 + 5) % 47) - 20.0F;
  const auto [low, high] = std::minmax_element(data.begin(), data.end());
  const Range plain = range_of_data(data);
  CHECK(plain == Range{*low, *high, static_cast<std::int64_t>(size), 0, 0});
  const float largest = std::numeric_limits<float>::max();
  for (std::size_t at = 0; at < size; ++at) {
    std::vector<float> changed = data;
    changed[at] = 1000.0F;
    CHECK(range_of_data(changed).max == 1000.0F);
    changed[at] = -1000.0F;
    CHECK(range_of_data(changed).min == -1000.0F);
    changed[at] = std::nanf("");
    CHECK(range_of_data(changed).nan == 1);
    changed[at] = -std::numeric_limits<float>::infinity();
    CHECK(range_of_data(changed).infinite == 1);
    CHECK(range_of_data(changed).finite == static_cast<std::int64_t>(size) - 1);
    // Sums of these are beyond float32, and they are finite.
    changed.assign(size, -largest);
    changed[at] = largest;
    CHECK(range_of_data(changed).finite == static_cast<std::int64_t>(size));
    CHECK(range_of_data(changed).max == largest);
  }
}

}  // namespace qprep
