#include "driver/calibration.h"

#include <catch2/catch.hpp>

#include "quant/fake_quant.h"

using namespace qprep;

namespace {

/// x -> Relu -> a; a + c -> y, with a constant c.
struct Small {
  Small() {
    model.opsets[""] = 17;
    Graph& graph = *model.graph;
    const Type type = Type::tensor(DType::kFloat32, Shape{Dim{2, ""}});
    x = &graph.add_input("x", type);
    c = &graph.add_initializer("c", Tensor::floats({2}, {1, -2}));
    a = &graph.insert(nullptr, {.op = "Relu", .inputs = {x}, .outputs = {"a"}}).output(0);
    y = &graph.insert(nullptr, {.op = "Add", .inputs = {a, c}, .outputs = {"y"}}).output(0);
    a->set_type(type);
    y->set_type(type);
    graph.add_output(*y);
  }

  Node& quantise(Value& value, bool calibrated) {
    const QuantSpec spec;
    const ScaleAndZeroPoint unset = unset_scale();
    Node& first = model.graph->nodes().front();
    Node* before = value.producer() == nullptr ? &first : nullptr;
    return insert_fake_quantize(*model.graph, before, value, spec, unset.scale, unset.zero_point, calibrated);
  }

  Model model;
  Value *x = nullptr, *c = nullptr, *a = nullptr, *y = nullptr;
};

std::vector<std::string> names_of(const std::vector<Observed>& observed) {
  std::vector<std::string> names;
  for (const Observed& each : observed) names.push_back(each.name);
  return names;
}

}  // namespace

TEST_CASE("Activations and constants of the plan are observed, in graph order; weights are not") {
  Small small;
  Plan plan;
  plan.values[small.y] = {};
  plan.values[small.x] = {};
  plan.values[small.c].role = Role::kConstant;
  plan.values[small.a].role = Role::kWeight;
  CHECK(names_of(tensors_to_observe(small.model, plan)) == std::vector<std::string>{"x", "c", "y"});
}

TEST_CASE("What an uncalibrated FakeQuantize of the input reads is observed, a calibrated one's is not") {
  Small small;
  small.quantise(*small.x, false);
  small.quantise(*small.a, true);
  CHECK(names_of(tensors_to_observe(small.model, Plan{})) == std::vector<std::string>{"x"});
}

TEST_CASE(
    "A model carries scales if it has QuantizeLinear or a calibrated FakeQuantize of something computed") {
  Small plain;
  CHECK_FALSE(carries_scales(plain.model));

  Small observing;
  observing.quantise(*observing.x, false);
  CHECK_FALSE(carries_scales(observing.model));

  Small weight_only;
  weight_only.quantise(*weight_only.c, true);
  CHECK_FALSE(carries_scales(weight_only.model));

  Small trained;
  trained.quantise(*trained.x, true);
  CHECK(carries_scales(trained.model));

  Small qdq;
  qdq.model.graph->insert(nullptr, {.op = "QuantizeLinear", .inputs = {qdq.x}, .outputs = {"q"}});
  CHECK(carries_scales(qdq.model));
}
