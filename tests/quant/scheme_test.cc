#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "quant/scale.h"
#include "quant/weight_scale.h"

using namespace qprep;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

QuantSpec spec_of(Scheme scheme, Precision precision = Precision::kInt8) {
  QuantSpec spec;
  spec.precision = precision;
  spec.scheme = scheme;
  return spec;
}

ScaleAndZero scaled(float min, float max, const Scheme& scheme, Precision precision = Precision::kInt8) {
  return scale_for(min, max, scheme, range_of(spec_of(scheme, precision))).value();
}

}  // namespace

TEST_CASE("The range of integers follows from precision, sign and width") {
  const auto range = [](Scheme scheme, Precision precision = Precision::kInt8) {
    const QuantRange found = range_of(spec_of(scheme, precision));
    return std::pair(found.min, found.max);
  };
  CHECK(range({}) == std::pair(-128, 127));
  CHECK(range({.is_signed = false}) == std::pair(0, 255));
  CHECK(range({.is_signed = false}, Precision::kInt16) == std::pair(0, 65535));
  CHECK(range({.range = Scheme::Range::kNarrow}) == std::pair(-127, 127));
  CHECK(range({.range = Scheme::Range::kSevenBits}) == std::pair(-64, 63));
  CHECK(range({.range = Scheme::Range::kFourBits}) == std::pair(-8, 7));
  CHECK(range({.is_signed = false, .range = Scheme::Range::kFourBits}) == std::pair(0, 15));
}

TEST_CASE("The words for integers are read back as what they say") {
  for (const char* word : {"qint8", "quint8", "qint16", "quint16", "qint4", "quint4"}) {
    REQUIRE(spec_from(word));
    CHECK(to_text(*spec_from(word)) == word);
  }
  CHECK_FALSE(spec_from("qint32"));
  CHECK_FALSE(spec_from("float32"));
}

TEST_CASE("A signed symmetric scale is the one there always was") {
  for (const float magnitude : {0.25F, 1.0F, 3.7F, 1e20F}) {
    for (const Precision precision : {Precision::kInt8, Precision::kInt16}) {
      const ScaleAndZero found = scaled(-magnitude, magnitude / 2, {}, precision);
      CHECK(found.scale == scale_of(magnitude, range_of(precision)).value());
      CHECK(found.zero_point == 0);
    }
  }
}

TEST_CASE("An asymmetric scale holds both ends, and zero exactly") {
  const Scheme scheme{.is_signed = false, .symmetric = false};
  const ScaleAndZero found = scaled(-1, 3, scheme);
  CHECK(found.scale == static_cast<float>(4.0 / 255));
  CHECK(found.zero_point == 64);
  CHECK(scaled(1, 3, scheme).scale == static_cast<float>(3.0 / 255));
  CHECK(scaled(1, 3, scheme).zero_point == 0);
  CHECK(scaled(-3, -1, scheme).zero_point == 255);
  CHECK(scaled(-1, 3, {.symmetric = false}).zero_point == -64);
}

TEST_CASE("Unsigned and symmetric: what is negative becomes zero") {
  const ScaleAndZero found = scaled(-5, 2.55F, {.is_signed = false});
  CHECK(found.scale == Approx(0.01F));
  CHECK(found.zero_point == 0);
}

TEST_CASE("A power of two is the nearest by its logarithm, and a smallest scale bounds") {
  CHECK(scaled(-1, 1, {.power_of_two = true}).scale == std::ldexp(1.0F, -7));
  CHECK(scaled(-1.5F, 1, {.power_of_two = true}).scale == std::ldexp(1.0F, -6));
  CHECK(scaled(-1e-6F, 1e-6F, {.smallest_scale = 0x1p-12F}).scale == 0x1p-12F);
}

TEST_CASE("What has no scale has none in any scheme") {
  for (const Scheme& scheme : {Scheme{}, Scheme{.symmetric = false}, Scheme{.is_signed = false}}) {
    const QuantRange range = range_of(spec_of(scheme));
    CHECK_FALSE(scale_for(0, 0, scheme, range));
    CHECK_FALSE(scale_for(-kInfinity, 1, scheme, range));
    CHECK(weight_scale_for(0, 0, scheme, range).value().scale == kZeroRangeScale);
  }
}

TEST_CASE("Weights of an asymmetric scheme have a zero point for each channel") {
  QuantSpec spec = spec_of({.is_signed = false, .symmetric = false});
  spec.channel_axis = 0;
  const Tensor w = Tensor::floats({3, 2}, {-1, 3, 0, 2.55F, 0, 0});
  const WeightScale found = weight_scale(w, spec).value();
  CHECK(found.zero_point.to_vector<std::int32_t>() == std::vector<std::int32_t>{64, 0, 0});
  CHECK(found.scale.at<float>(0) == static_cast<float>(4.0 / 255));
  CHECK(found.zero_channels == std::vector<std::int64_t>{2});
  CHECK(found.scale.dims() == Dims{3, 1});
  std::string why;
  CHECK_FALSE(weight_scale(Tensor::floats({1, 1}, {kInfinity}), spec, &why));
  CHECK(why == "it holds NaN or infinity");
}
