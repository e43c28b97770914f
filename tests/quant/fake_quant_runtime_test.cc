#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "opset/raise_opset.h"
#include "quant/fake_quant.h"
#include "quant/fake_quant_math.h"
#include "quant/weight_scale.h"
#include "support/run_model.h"

namespace qprep {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Case {
  std::int64_t opset = 13;
  Dims dims;
  QuantSpec spec;
  std::vector<float> scales;
  bool calibrated = true;
};

QuantSpec spec_of(Precision precision, std::int64_t axis = -1) {
  QuantSpec spec;
  spec.precision = precision;
  spec.channel_axis = axis;
  return spec;
}

/// x -> FakeQuantize -> y as a file.
std::string file_of(const Case& c) {
  Model model;
  model.opsets[""] = c.opset;
  model.ir_version = 8;
  Shape shape;
  for (const std::int64_t size : c.dims) shape.push_back({size, ""});
  Value& x = model.graph->add_input("x", Type::tensor(DType::kFloat32, shape));
  const Dims dims =
      channel_dims(c.dims.size(), c.spec.channel_axis, static_cast<std::int64_t>(c.scales.size()));
  Node& node = insert_fake_quantize(
      *model.graph, nullptr, x, c.spec, Tensor::floats(dims, c.scales),
      Tensor::of<std::int32_t>(DType::kInt32, dims, std::vector<std::int32_t>(c.scales.size(), 0)),
      c.calibrated);
  model.graph->add_output(node.output(0));
  update_fake_quantize_functions(model);
  model.ir_version = std::max(model.ir_version, ir_version_for_opset(c.opset));
  return bytes_of(std::move(model));
}

std::vector<float> reference(const Case& c, const std::vector<float>& x) {
  std::vector<float> y(x.size());
  if (!c.calibrated) return x;
  if (c.spec.channel_axis < 0) {
    fake_quantize(x, y, {c.scales.front(), 0, range_of(c.spec.precision)});
  } else {
    const std::vector<std::int32_t> zeros(c.scales.size(), 0);
    fake_quantize_per_channel(x, y, c.dims, static_cast<std::size_t>(c.spec.channel_axis), c.scales, zeros,
                              range_of(c.spec.precision));
  }
  return y;
}

/// Ties, saturation, denormals, infinities, NaN and zeros, so shifted that each meets every lane of a vector.
std::vector<float> hard_numbers(std::size_t count, float scale, std::size_t shift) {
  std::vector<float> x = {0.0F, -0.0F, kInf, -kInf, kNaN, 1e-45F, -1e-45F, -1e-40F, 3.4e38F, -3.4e38F};
  for (const int k : {0, 1, 2, 63, 127, 128, 32767, 32768}) {
    for (const float half : {-0.5F, 0.0F, 0.5F}) {
      const float at = (static_cast<float>(k) + half) * scale;
      x.insert(x.end(), {at, -at, std::nextafter(at, kInf), std::nextafter(-at, kInf)});
    }
  }
  std::vector<float> result(count);
  for (std::size_t i = 0; i < count; ++i) result[i] = x[(i + shift) % x.size()];
  return result;
}

void check(const Case& c, const std::vector<float>& x) {
  const std::string bytes = file_of(c);
  INFO("opset " << c.opset << ", axis " << c.spec.channel_axis << ", " << to_text(c.spec.precision) << ", "
                << x.size() << " elements");
  REQUIRE(checker_says(bytes) == "");
  const std::vector<float> expected = reference(c, x);
  for (const bool optimise : {false, true}) {
    const Tensor y = run_model(bytes, {{"x", Tensor::floats(c.dims, x)}}, optimise).at(0);
    REQUIRE(y.dims() == c.dims);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float got = y.at<float>(static_cast<std::int64_t>(i));
      const bool same = std::bit_cast<std::uint32_t>(got) == std::bit_cast<std::uint32_t>(expected[i]);
      if (same || (c.calibrated && std::isnan(got) && std::isnan(expected[i]))) continue;
      FAIL("x " << x[i] << ": " << got << ", not " << expected[i] << (optimise ? " (optimised)" : ""));
    }
  }
}

}  // namespace

TEST_CASE("FakeQuantize in ONNX Runtime equals the arithmetic bit for bit, opsets 11 to 24") {
  std::size_t shift = 0;
  for (std::int64_t opset = 11; opset <= 24; ++opset) {
    for (const Precision precision : {Precision::kInt8, Precision::kInt16}) {
      for (const std::int64_t count : {1, 3, 8, 31, 257}) {
        const float scale = shift % 2 == 0 ? 0.1F : 0.0078409F;
        check({opset, {count}, spec_of(precision), {scale}},
              hard_numbers(static_cast<std::size_t>(count), scale, shift++));
      }
      check({opset, {4, 2, 3, 3}, spec_of(precision, 0), {0.1F, 0.25F, 3.0F, 1.1754944e-38F}},
            hard_numbers(72, 0.1F, shift++));
      check({opset, {4, 2, 3, 3}, spec_of(precision, 1), {0.1F, 1.0F}}, hard_numbers(72, 0.1F, shift++));
    }
  }
}

TEST_CASE("FakeQuantize in ONNX Runtime on shapes, axes and scales at random") {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    Case c;
    c.opset = 11 + static_cast<std::int64_t>(random() % 14);
    c.dims.resize(random() % 5);
    for (auto& dim : c.dims) dim = 1 + static_cast<std::int64_t>(random() % 6);
    c.spec.precision = random() % 2 == 0 ? Precision::kInt8 : Precision::kInt16;
    c.spec.channel_axis = static_cast<std::int64_t>(random() % (c.dims.size() + 1)) - 1;
    const std::size_t channels =
        c.spec.channel_axis < 0
            ? 1
            : static_cast<std::size_t>(c.dims[static_cast<std::size_t>(c.spec.channel_axis)]);
    for (std::size_t i = 0; i < channels; ++i)
      c.scales.push_back(std::exp2(static_cast<float>(random() % 40) - 20.0F) * 1.1F);
    check(c, hard_numbers(static_cast<std::size_t>(*element_count(c.dims)), c.scales.front(), random() % 97));
  }
}

TEST_CASE("FakeQuantize that is not calibrated hands everything on, bit for bit") {
  for (const std::int64_t opset : {8, 11, 13, 18, 24}) {
    for (const bool per_channel : {false, true}) {
      Case c{opset, {4, 31}, spec_of(Precision::kInt8, per_channel ? 0 : -1), {1.0F}, false};
      if (per_channel) c.scales.assign(4, 1.0F);
      std::vector<float> x = hard_numbers(124, 1.0F, 0);
      x[0] = std::bit_cast<float>(0x7FA00001U);  // a NaN that arithmetic would change
      check(c, x);
    }
  }
}

TEST_CASE("both functions live in one model, and large tensors run in parallel alike") {
  const Case c{13, {300000}, spec_of(Precision::kInt8), {0.1F}};
  check(c, hard_numbers(300000, 0.1F, 5));

  Model model;
  model.opsets[""] = 17;
  Value& x = model.graph->add_input("x", Type::tensor(DType::kFloat32, Shape{{3, ""}}));
  const auto [scale, zero] = unset_scale();
  Node& observing = insert_fake_quantize(*model.graph, nullptr, x, {}, scale, zero, false);
  Node& computing = insert_fake_quantize(*model.graph, nullptr, observing.output(0), {}, scale, zero, true);
  model.graph->add_output(computing.output(0));
  model.graph->add_output(observing.output(0));
  update_fake_quantize_functions(model);
  const std::string bytes = bytes_of(std::move(model));
  CHECK(checker_says(bytes) == "");
  const auto y = run_model(bytes, {{"x", Tensor::floats({3}, {0.5F, 1.4F, 200.0F})}}, true);
  CHECK(y[0].to_vector<float>() == std::vector<float>{0.0F, 1.0F, 127.0F});
  CHECK(y[1].to_vector<float>() == std::vector<float>{0.5F, 1.4F, 200.0F});
}

}  // namespace qprep
