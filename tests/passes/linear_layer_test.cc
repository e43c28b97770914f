#include "passes/linear_layer.h"

#include <catch2/catch.hpp>

#include "passes/constant_facts.h"
#include "quant/weight_scale.h"

namespace qprep {
namespace {

constexpr std::int64_t kOutputs = 96, kInputs = 128,
                       kTaps = 9;  // large enough to be computed where it is read

std::vector<float> weights() {
  std::vector<float> values;
  for (std::int64_t i = 0; i < kOutputs * kInputs * kTaps; ++i)
    values.push_back(static_cast<float>(i % 211) / 7.0F - 15.0F);
  return values;
}

std::vector<double> factors(std::int64_t count) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(0.1 + static_cast<double>(i) / 3.0);
  return values;
}

/// Conv(x, w) of a graph of its own.
struct Layer {
  explicit Layer(Tensor weight) {
    Value& x = model.graph->add_input("x", Type::tensor(DType::kFloat32));
    Value& w = model.graph->add_initializer("w", std::move(weight));
    node = &model.graph->insert(nullptr, {.op = "Conv", .inputs = {&x, &w}, .outputs = {"y"}});
  }
  LinearLayer layer() const { return std::get<LinearLayer>(LinearLayer::of(*node)); }

  Model model;
  Node* node = nullptr;
};

std::vector<float> times(std::vector<float> values, const std::vector<double>& factor, bool outputs) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t channel = outputs ? i / (kInputs * kTaps) : i / kTaps % kInputs;
    values[i] = static_cast<float>(static_cast<double>(values[i]) * factor[channel]);
  }
  return values;
}

}  // namespace

TEST_CASE("a large weight times the factors of its channels, and what is read of it") {
  const Layer conv(Tensor::floats({kOutputs, kInputs, 3, 3}, weights()));
  const bool outputs = GENERATE(true, false);
  const std::vector<double> factor = factors(outputs ? kOutputs : kInputs);
  const Tensor folded =
      outputs ? conv.layer().weight_times_outputs(factor) : conv.layer().weight_times_inputs(factor);
  REQUIRE(folded.payload().is_computed());
  const Tensor expected = Tensor::floats(folded.dims(), times(weights(), factor, outputs));
  CHECK(all_finite(folded));
  CHECK(constant_facts(folded).min == constant_facts(expected).min);
  CHECK(constant_facts(folded).max == constant_facts(expected).max);
  const QuantSpec spec{.precision = Precision::kInt8, .channel_axis = 0};
  CHECK(weight_scale(folded, spec)->scale.to_vector<float>() ==
        weight_scale(expected, spec)->scale.to_vector<float>());
  CHECK(folded.to_vector<float>() == expected.to_vector<float>());
}

TEST_CASE("a weight that is folded twice is rounded after each") {
  const Layer conv(Tensor::floats({kOutputs, kInputs, 3, 3}, weights()));
  const Layer again(conv.layer().weight_times_outputs(factors(kOutputs)));
  const Tensor folded = again.layer().weight_times_inputs(factors(kInputs));
  REQUIRE(folded.payload().is_computed());
  CHECK(folded.to_vector<float>() ==
        times(times(weights(), factors(kOutputs), true), factors(kInputs), false));
}

TEST_CASE("an element that is not finite is found wherever it is computed") {
  std::vector<float> values = weights();
  values[values.size() / 2] = 3e38F;
  const Layer conv(Tensor::floats({kOutputs, kInputs, 3, 3}, std::move(values)));
  CHECK_FALSE(all_finite(conv.layer().weight_times_outputs(std::vector<double>(kOutputs, 100.0))));
}

}  // namespace qprep
