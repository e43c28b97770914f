#include "report/accumulators.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "planned_model.h"

using namespace qprep;

namespace {

/// A Gemm of K inputs and two outputs with int16 data; the second output's weights are all `small`.
struct Layer {
  PlannedModel planned;
  Value* x;
  Value* w;

  Layer(std::int64_t products, float small, std::int64_t axis = 1) {
    x = &planned.input("x");
    std::vector<float> values;
    for (std::int64_t i = 0; i < products; ++i) {
      values.push_back(i == 0 ? 1.0F : 0.0F);
      values.push_back(i == 0 ? 1.0F : small);
    }
    w = &planned.model.graph->add_initializer("w", Tensor::floats({products, 2}, std::move(values)));
    Node& gemm = planned.node("gemm", "Gemm", {x, w});
    QuantSpec wide, weighed;
    wide.precision = Precision::kInt16;
    weighed.channel_axis = axis;
    planned.quantise(*x, Role::kActivation, wide);
    planned.quantise(*w, Role::kWeight, weighed);
    planned.reads_quantised(gemm, {0, 1});
    planned.plan.known_scales[w] = {Tensor::floats({1, 2}, {1.0F / 127, 1.0F / 127}),
                                    Tensor::of<std::int32_t>(DType::kInt32, {1, 2}, {0, 0})};
  }
  std::vector<AccumulatorRisk> risks() const { return accumulator_risks(planned.model, planned.plan); }
};

}  // namespace

TEST_CASE("511 products of int16 and int8 fit an int32 accumulator, whatever the weights") {
  CHECK(Layer(511, 1.0F).risks().empty());
}

TEST_CASE("the weights of the largest channel decide") {
  const auto risks = Layer(1000, 1.0F).risks();
  REQUIRE(risks.size() == 1);
  CHECK(risks[0].node == "gemm");
  CHECK(risks[0].formats == "qint16*qint8");
  CHECK(risks[0].products == 1000);
  CHECK(risks[0].worst == 1000.0 * 32768 * 128);
  CHECK(risks[0].bound == 1000.0 * 32768 * 127);
  CHECK(Layer(1000, 0.25F).risks().empty());
}

TEST_CASE("without scales that follow output channels the worst case counts") {
  const auto risks = Layer(1000, 0.0F, -1).risks();
  REQUIRE(risks.size() == 1);
  CHECK_FALSE(risks[0].bound);
  CHECK(to_json(risks[0])["bound"].is_null());
}
