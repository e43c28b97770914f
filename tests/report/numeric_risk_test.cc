#include "report/numeric_risk.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "planned_model.h"
#include "target/capability.h"

using namespace qprep;

namespace {

using Kind = NumericRisk::Kind;
using Seen = std::unordered_map<const Value*, Range>;

Range up_to(float magnitude) {
  Range range;
  range.min = -magnitude;
  range.max = magnitude;
  range.finite = 2;
  return range;
}

/// A Gemm of int8 data and weights [K, M], with a scale for each of the M outputs as the largest weight asks.
struct Layer {
  PlannedModel planned;
  Value* x;
  Value* w;
  Value* y;

  Layer(const Dims& dims, std::vector<float> weights, std::vector<float> bias = {},
        Precision precision = Precision::kInt8) {
    const auto outputs = static_cast<std::size_t>(dims[1]);
    std::vector<float> scales(outputs, 0.0F);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      scales[i % outputs] = std::max(scales[i % outputs], std::abs(weights[i]) / 127.5F);
    }
    x = &planned.input("x");
    w = &planned.model.graph->add_initializer("w", Tensor::floats(dims, std::move(weights)));
    std::vector<Value*> inputs{x, w};
    if (!bias.empty()) {
      const auto size = static_cast<std::int64_t>(bias.size());
      inputs.push_back(&planned.model.graph->add_initializer("b", Tensor::floats({size}, std::move(bias))));
    }
    Node& gemm = planned.node("gemm", "Gemm", inputs);
    y = &gemm.output(0);
    QuantSpec spec, weighed;
    spec.precision = precision;
    weighed.channel_axis = 1;
    planned.quantise(*x, Role::kActivation, spec);
    planned.quantise(*y, Role::kActivation, spec);
    planned.quantise(*w, Role::kWeight, weighed);
    planned.reads_quantised(gemm, {0, 1});
    const Dims per_channel{1, dims[1]};
    planned.plan.known_scales[w] = {
        Tensor::floats(per_channel, scales),
        Tensor::of<std::int32_t>(DType::kInt32, per_channel, std::vector<std::int32_t>(outputs, 0))};
  }

  std::vector<NumericRisk> risks(const Seen* ranges = nullptr, const Capabilities* target = nullptr) const {
    const NumericRisks risks(planned.model, planned.plan, target);
    if (!ranges) return risks.found(nullptr);
    const NumericRisks::SeenRanges seen{*ranges, *ranges};
    return risks.found(&seen);
  }
};

}  // namespace

TEST_CASE("Weights that one of their channel makes round to zero are counted") {
  const auto risks = Layer({4, 2}, {1.0F, 1.0F, 0.001F, 0.5F, 0.001F, 0.5F, 0.0F, 0.5F}).risks();
  REQUIRE(risks.size() == 1);
  CHECK(risks[0].kind == Kind::kVanishing);
  CHECK(risks[0].node == "gemm");
  CHECK(risks[0].value == Approx(2.0 / 3));
  CHECK(risks[0].because == "of the weights of channel 0, 67 % of those that are not zero round to zero");
  CHECK(Layer({2, 2}, {1.0F, 1e-38F, 1.0F, 0.0F}).risks().empty());
  CHECK(Layer({4, 2}, {1.0F, 1.0F, 0.5F, 0.5F, 0.001F, 0.5F, 0.0F, 0.5F}).risks().empty());
}

TEST_CASE("A channel that reaches more than 16 times as far as the median one is told, dead ones aside") {
  const auto risks = Layer({1, 4}, {1.0F, 1.0F, 17.0F, 1e-30F}).risks();
  REQUIRE(risks.size() == 1);
  CHECK(risks[0].kind == Kind::kOutlier);
  CHECK(risks[0].value == Approx(17));
  CHECK(Layer({1, 4}, {1.0F, 1.0F, 16.0F, 1e-30F}).risks().empty());
  CHECK(Layer({1, 4}, {1.0F, 1.0F, 17.0F, 1.0F}, {}, Precision::kInt16).risks().empty());
}

TEST_CASE("No remedy asks for a precision that the target's row does not allow") {
  Capabilities target;
  Capability& gemm = target.rows["Gemm"];
  gemm.runs = RunsOn::kBpu;
  gemm.input = gemm.weight = gemm.output = {DType::kInt8};
  const Layer vanishing({4, 2}, {1.0F, 1.0F, 0.001F, 0.5F, 0.001F, 0.5F, 0.0F, 0.5F});
  const Layer outlier({1, 4}, {1.0F, 1.0F, 17.0F, 1e-30F});
  const Layer coarse({1, 1}, {127.5F});
  const Seen fine{{coarse.x, up_to(2.0F)}, {coarse.y, up_to(1.0F)}};
  CHECK(vanishing.risks()[0].remedy.starts_with("int16 weights, or "));
  CHECK(outlier.risks()[0].remedy == "an int16 result, or channels of like size");
  CHECK(coarse.risks(&fine)[0].remedy == "int8 for the result, or int16 for what it reads");
  CHECK(vanishing.risks(nullptr, &target)[0].remedy.starts_with("no weight in the channel"));
  CHECK(outlier.risks(nullptr, &target)[0].remedy == "channels of like size");
  CHECK(coarse.risks(&fine, &target)[0].remedy == "int8 for the result");
  gemm.weight = gemm.output = {DType::kInt8, DType::kInt16};
  CHECK(vanishing.risks(nullptr, &target)[0].remedy.starts_with("int16 weights, or "));
  CHECK(outlier.risks(nullptr, &target)[0].remedy.starts_with("an int16 result"));
}

TEST_CASE("Of data with a scale for each channel, the channel that a bias is added to counts") {
  PlannedModel planned;
  Value& x = planned.input("x");
  Value& w =
      planned.model.graph->add_initializer("w", Tensor::floats({4, 1, 1, 1}, {1.0F, 1.0F, 1.0F, 1.0F}));
  Value& b = planned.model.graph->add_initializer("b", Tensor::floats({4}, {0.0F, 3.0F, 3.0F, 0.0F}));
  Node& conv = planned.node("conv", "Conv", {&x, &w, &b});
  conv.set_attribute("group", std::int64_t{2});
  QuantSpec of_data, of_weight;
  of_data.channel_axis = 1;
  of_weight.channel_axis = 0;
  planned.quantise(x, Role::kActivation, of_data);
  planned.quantise(w, Role::kWeight, of_weight);
  planned.reads_quantised(conv, {0, 1});
  planned.plan.known_scales[&w] = {Tensor::floats({4, 1, 1, 1}, std::vector<float>(4, 1e-7F)),
                                   Tensor::of<std::int32_t>(DType::kInt32, {4, 1, 1, 1}, {0, 0, 0, 0})};
  const NumericRisks risks(planned.model, planned.plan);
  NumericRisks::SeenRanges seen{{{&x, up_to(1.0F)}}, {{&x, up_to(1.0F)}}};
  seen.of_channels[&x] = {{0.0F, 1.0F}, {0.0F, 0.0625F}};
  const auto found = risks.found(&seen);
  REQUIRE(found.size() == 1);
  // 3 / (1e-7 * 0.0625 / 127.5) of channel 2, which reads channel 1 of the data.
  CHECK(found[0].value == Approx(3.0 / (1e-7 * 0.0625 / 127.5) / 2147483647.0).epsilon(1e-4));
  CHECK(found[0].because.starts_with("the bias of channel 2 is 28.50 times"));
  seen.of_channels[&x] = {{0.0F, 1.0F}, {0.0F, 1.0F}};
  CHECK(risks.found(&seen)[0].because.starts_with("the bias of channel 1 is 1.78 times"));
}

TEST_CASE("A bias must fit int32 in steps of both scales, which calibration tells") {
  const float step = 1.0F / 127.5F;
  const float largest = step * step * 2147483647.0F;
  const Layer fits({1, 2}, {1.0F, 1.0F}, {0.0F, largest * 0.99F});
  const Layer does_not({1, 2}, {1.0F, 1.0F}, {0.0F, largest * 1.01F});
  const Seen fit{{fits.x, up_to(1.0F)}}, do_not{{does_not.x, up_to(1.0F)}};
  CHECK(does_not.risks().empty());
  CHECK(fits.risks(&fit).empty());
  const auto risks = does_not.risks(&do_not);
  REQUIRE(risks.size() == 1);
  CHECK(risks[0].kind == Kind::kBias);
  CHECK(risks[0].value == Approx(1.01).margin(1e-4));
  CHECK(risks[0].because == "the bias of channel 1 is 1.01 times what an int32 holds in steps of s_x * s_w");
}

TEST_CASE("The factor from a sum to a result lies between 2^-31 and 1") {
  const Layer layer({1, 1}, {127.5F});
  const auto kind_for = [&](float data, float result) -> std::string {
    const Seen ranges{{layer.x, up_to(data)}, {layer.y, up_to(result)}};
    const auto risks = layer.risks(&ranges);
    return risks.empty() ? "" : risks[0].because;
  };
  CHECK(kind_for(1.0F, 1.0F).empty());
  CHECK(kind_for(2.0F, 1.0F) == "one step of its sums is 2 steps of its result, finer than they can tell");
  CHECK(kind_for(1.0F, 2.1e9F).empty());
  CHECK(kind_for(1.0F, 4.3e9F) ==
        "a step of its result is 4.3e+09 steps of its sums, more than a shift by 31 bits");
}

TEST_CASE("Of tensors with one scale, those that use less than 32 steps of it are told") {
  PlannedModel planned;
  Value& a = planned.input("a");
  Value& b = planned.input("b");
  Node& cat = planned.node("cat", "Concat", {&a, &b});
  const std::vector<Value*> all{&cat.output(0), &a, &b};
  for (Value* value : all) {
    planned.quantise(*value, Role::kActivation, {});
    planned.plan.shared_scales[value] = all.front();
  }
  planned.plan.scale_groups.push_back({&cat, nullptr, {all.begin(), all.end()}, {}});
  const NumericRisks risks(planned.model, planned.plan);
  CHECK(risks.found(nullptr).empty());
  const NumericRisks::SeenRanges near{{{&a, up_to(1.0F)}, {&b, up_to(3.9F)}, {all.front(), up_to(3.9F)}},
                                      {{&a, up_to(3.9F)}, {&b, up_to(3.9F)}, {all.front(), up_to(3.9F)}}};
  CHECK(risks.found(&near).empty());
  const NumericRisks::SeenRanges far{{{&a, up_to(1.0F)}, {&b, up_to(4.1F)}, {all.front(), up_to(4.1F)}},
                                     {{&a, up_to(4.1F)}, {&b, up_to(4.1F)}, {all.front(), up_to(4.1F)}}};
  const auto found = risks.found(&far);
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == Kind::kCommonScale);
  CHECK(found[0].node == "cat");
  CHECK(found[0].because ==
        "'a' reaches 1, and shares its scale with others that reach 4.1: it uses 31 steps on each side");
}
