#include "passes/read_horizon.h"

#include <catch2/catch.hpp>

#include "ir/dump.h"
#include "ir/verify.h"
#include "passes/lower_qdq.h"
#include "quant/fake_quant.h"

namespace qprep {
namespace {

/// x, float32[2,3], quantised and dequantised by the vendor's operators.
struct Fixture {
  Model model;
  Graph& graph = *model.graph;
  Value& x;
  Node *quantise = nullptr, *dequantise = nullptr;

  Fixture() : x(graph.add_input("x", Type::tensor(DType::kFloat32, Shape{{2, ""}, {3, ""}}))) {
    model.opsets[""] = 13;
    model.opsets["horizon"] = 1;
    Value& scale = graph.add_initializer("s", Tensor::floats({1}, {0.5F}));
    Value& zero = graph.add_initializer("z", Tensor::of<std::int8_t>(DType::kInt8, {1}, {0}));
    quantise = &graph.insert(
        nullptr, {.op = "HzQuantize", .inputs = {&x, &scale, &zero}, .outputs = {"q"}, .domain = "horizon"});
    quantise->set_attribute("bits", std::int64_t{8});
    dequantise = &graph.insert(nullptr, {.op = "HzDequantize",
                                         .inputs = {&quantise->output(0), &scale, &zero},
                                         .outputs = {"y"},
                                         .domain = "horizon"});
    dequantise->set_label("dequantise");
    graph.add_output(dequantise->output(0));
  }

  std::string note() {
    Diagnostics diagnostics;
    read_horizon(model, diagnostics);
    CHECK(verify(model).empty());
    return diagnostics.all().empty() ? "" : diagnostics.all().front().message;
  }
};

}  // namespace

TEST_CASE("the vendor's pair of quantisers becomes a FakeQuantize, and that the pair again") {
  Fixture f;
  CHECK(f.note().empty());
  REQUIRE(f.graph.nodes().size() == 1);
  const Node& node = f.graph.nodes().front();
  CHECK(node.output(0).name() == "y");
  const auto attributes = read_fake_quantize(node);
  REQUIRE(attributes);
  CHECK(attributes->calibrated);
  CHECK(attributes->spec.precision == Precision::kInt8);
  CHECK(params_of_fake_quantize(node, *attributes)->scale->to_vector<float>() == std::vector<float>{0.5F});
  CHECK(!f.model.opsets.contains("horizon"));

  Diagnostics diagnostics;
  lower_to_horizon(f.model, diagnostics);
  CHECK(diagnostics.all().empty());
  CHECK(f.graph.nodes().front().op() == "HzQuantize");
  CHECK(f.model.opsets.contains("horizon"));
}

TEST_CASE("what is no pair stays, and says why") {
  Fixture f;
  const auto constant = [&](const std::string& name, Tensor tensor) {
    return &f.graph.add_initializer(name, std::move(tensor));
  };
  std::string why;
  SECTION("another maker") {
    f.dequantise->set_input(0, &f.graph.add_input("i", Type::tensor(DType::kInt8)));
    f.graph.erase(*f.quantise);
    why = "no HzQuantize makes what it reads";
  }
  SECTION("integers that are read elsewhere") {
    f.graph.insert(nullptr, {.op = "Cast", .inputs = {&f.quantise->output(0)}, .outputs = {"c"}});
    why = "its integers are read elsewhere";
  }
  SECTION("scales that differ") {
    f.dequantise->set_input(1, constant("t", Tensor::floats({1}, {0.25F})));
    why = "it and its HzQuantize have no constant scales in common";
  }
  SECTION("a scale that is none") {
    Value* scale = constant("t", Tensor::floats({1}, {0.0F}));
    f.quantise->set_input(1, scale);
    f.dequantise->set_input(1, scale);
    why = "it and its HzQuantize have no constant scales in common";
  }
  SECTION("a zero point") {
    Value* zero = constant("t", Tensor::of<std::int8_t>(DType::kInt8, {1}, {3}));
    f.quantise->set_input(2, zero);
    f.dequantise->set_input(2, zero);
    why = "its zero points are not 0";
  }
  SECTION("bits") {
    f.quantise->set_attribute("bits", std::int64_t{4});
    why = "its bits are 4";
  }
  SECTION("channels along no axis") {
    Value* scale = constant("t", Tensor::floats({2}, {0.5F, 0.25F}));
    f.quantise->set_input(1, scale);
    f.dequantise->set_input(1, scale);
    f.dequantise->set_attribute("axis", std::int64_t{2});
    why = "its axis is 2";
  }
  SECTION("channels of who knows what") {
    Value* scale = constant("t", Tensor::floats({2}, {0.5F, 0.25F}));
    f.quantise->set_input(1, scale);
    f.dequantise->set_input(1, scale);
    f.x.set_type(Type::tensor(DType::kFloat32));
    why = "it has scales for channels of a tensor of unknown rank";
  }
  const std::string before = dump(f.model);
  CHECK(f.note() == "HzDequantize 'dequantise' stays as it is: " + why);
  CHECK(dump(f.model) == before);
}

}  // namespace qprep
