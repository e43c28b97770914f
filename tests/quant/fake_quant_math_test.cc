#include "quant/fake_quant_math.h"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace qprep {
namespace {

constexpr QuantRange kInt8{-128, 127}, kInt16{-32768, 32767};
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Ties to even by looking at the fraction, with no rounding instruction involved.
double rounded(double v) {
  const double below = std::floor(v);
  const double fraction = v - below;
  const bool up = fraction > 0.5 || (fraction == 0.5 && std::fmod(below, 2.0) != 0.0);
  return std::copysign(std::fabs(up ? below + 1.0 : below), v);
}

/// The definition in double, rounded to float32 after each step: a double holds the exact sum and product of
/// two float32, and the quotient closely enough that rounding it again gives float32's own.
float by_definition(float x, float scale, int zero_point, QuantRange range) {
  const double quotient = static_cast<float>(static_cast<double>(x) / static_cast<double>(scale));
  const double shifted = static_cast<float>(quotient + zero_point);
  if (std::isnan(shifted)) return kNaN;
  double integer = 0.0;
  if (shifted <= range.min) {
    integer = range.min;
  } else if (shifted >= range.max) {
    integer = range.max;
  } else {
    integer = rounded(shifted);
  }
  return static_cast<float>(static_cast<double>(static_cast<float>(integer - zero_point)) *
                            static_cast<double>(scale));
}

bool same_bits(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

std::vector<float> edge_cases(float scale) {
  std::vector<float> x = {0.0F, -0.0F, 1e-45F, -1e-45F, 1e-40F,  1.17549435e-38F,
                          kInf, -kInf, kNaN,   3.4e38F, -3.4e38F};
  for (const int k : {0, 1, 2, 3, 126, 127, 128, 129, 32766, 32767, 32768, 32769, 70000}) {
    for (const float half : {-0.5F, 0.0F, 0.5F}) {
      const float at = (static_cast<float>(k) + half) * scale;
      for (const float v : {at, std::nextafter(at, kInf), std::nextafter(at, -kInf)}) {
        x.push_back(v);
        x.push_back(-v);
      }
    }
  }
  return x;
}

void check_against_definition(const std::vector<float>& x, float scale, int zero_point, QuantRange range) {
  const QuantParams params{scale, zero_point, range};
  std::vector<float> y(x.size());
  fake_quantize(x, y, params);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float expected = by_definition(x[i], scale, zero_point, range);
    if (same_bits(y[i], expected) && same_bits(fake_quantize(x[i], params), expected)) continue;
    FAIL("x " << x[i] << " scale " << scale << " zero point " << zero_point << ": " << y[i] << ", not "
              << expected);
  }
}

}  // namespace

TEST_CASE("fake quantise equals the definition bit for bit on edge cases") {
  for (const QuantRange range : {kInt8, kInt16}) {
    for (const float scale : {1.0F, 0.1F, 0.0078409F, 3.0F, 1.1920929e-7F, 1.17549435e-38F, 2.6e34F}) {
      for (const int zero_point : {0, 1, -3, 100}) {
        check_against_definition(edge_cases(scale), scale, zero_point, range);
      }
    }
  }
}

TEST_CASE("fake quantise equals the definition on random bit patterns and scales") {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> exponent(-120.0F, 100.0F);
  for (int round = 0; round < 40; ++round) {
    const float scale = std::exp2(exponent(random));
    std::vector<float> x(20000);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float near = scale * static_cast<float>(static_cast<int>(random() % 80000) - 40000) / 8.0F;
      x[i] = i % 2 == 0 ? std::bit_cast<float>(static_cast<std::uint32_t>(random())) : near;
    }
    check_against_definition(x, scale, round % 4 == 3 ? 5 : 0, round % 2 == 0 ? kInt8 : kInt16);
  }
}

TEST_CASE("what is stated of infinity, NaN and zeros") {
  const QuantParams params{0.5F, 0, kInt8};
  CHECK(fake_quantize(kInf, params) == 63.5F);
  CHECK(fake_quantize(-kInf, params) == -64.0F);
  CHECK(std::isnan(fake_quantize(kNaN, params)));
  CHECK_FALSE(std::signbit(fake_quantize(-0.0F, params)));
  CHECK(std::signbit(fake_quantize(-0.1F, params)));
  CHECK(fake_quantize(-0.1F, params) == 0.0F);
  CHECK(quantize(kNaN, params) == -128);
  CHECK(quantize(0.25F, params) == 0);
  CHECK(quantize(0.75F, params) == 2);
}

TEST_CASE("each channel uses its own scale, on whatever axis") {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  for (int round = 0; round < 50; ++round) {
    Dims dims(1 + random() % 4);
    for (auto& dim : dims) dim = 1 + static_cast<std::int64_t>(random() % 5);
    const std::size_t axis = random() % dims.size();
    std::vector<float> x(static_cast<std::size_t>(*element_count(dims))), y(x.size());
    for (float& v : x) v = normal(random);
    std::vector<float> scales(static_cast<std::size_t>(dims[axis]));
    for (float& s : scales) s = 0.01F + std::fabs(normal(random)) / 50.0F;
    const std::vector<std::int32_t> zeros(scales.size(), 0);
    fake_quantize_per_channel(x, y, dims, axis, scales, zeros, kInt8);

    std::size_t inner = 1;
    for (std::size_t i = axis + 1; i < dims.size(); ++i) inner *= static_cast<std::size_t>(dims[i]);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float scale = scales[i / inner % scales.size()];
      REQUIRE(same_bits(y[i], by_definition(x[i], scale, 0, kInt8)));
    }
  }
}

TEST_CASE("a constant becomes the integers of QuantizeLinear, from any alignment") {
  constexpr std::int64_t kRows = 3, kColumns = 700001;  // more than one task's share
  auto bytes = std::make_shared<std::vector<std::byte>>(1 + kRows * kColumns * 4);
  std::mt19937 random(3);
  std::vector<float> x(kRows * kColumns);
  for (float& v : x) v = static_cast<float>(static_cast<int>(random() % 4001) - 2000) / 8.0F;
  __builtin_memcpy(bytes->data() + 1, x.data(), x.size() * 4);
  const Tensor w(DType::kFloat32, {kRows, kColumns}, std::span(*bytes).subspan(1), bytes);

  const std::vector<QuantParams> channels = {{1.0F, 0, kInt8}, {2.0F, 0, kInt8}, {0.5F, 1, kInt8}};
  const Tensor q = quantize_tensor(w, DType::kInt8, 0, channels);
  REQUIRE(q.dims() == w.dims());
  REQUIRE(q.dtype() == DType::kInt8);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const QuantParams& p = channels[i / kColumns];
    const double expected = std::clamp(
        rounded(static_cast<double>(x[i]) / static_cast<double>(p.scale)) + p.zero_point, -128.0, 127.0);
    if (q.at<std::int8_t>(static_cast<std::int64_t>(i)) != static_cast<int>(expected)) FAIL("element " << i);
  }

  const std::vector<QuantParams> asymmetric = {{0.5F, 128, {0, 255}}};
  const Tensor u =
      quantize_tensor(Tensor::floats({4}, {-100.0F, 0.0F, 0.25F, 100.0F}), DType::kUInt8, 0, asymmetric);
  CHECK(u.to_vector<std::uint8_t>() == std::vector<std::uint8_t>{0, 128, 128, 255});
  const std::vector<QuantParams> wide = {{0.5F, 0, kInt16}};
  const Tensor s = quantize_tensor(Tensor::floats({3}, {-20000.0F, 0.75F, 20000.0F}), DType::kInt16, 0, wide);
  CHECK(s.to_vector<std::int16_t>() == std::vector<std::int16_t>{-32768, 2, 32767});
  CHECK(quantize_tensor(Tensor::floats({0, 2}, {}), DType::kInt8, 0, wide).size() == 0);
}

}  // namespace qprep
