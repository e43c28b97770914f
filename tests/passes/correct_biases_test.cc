#include "passes/correct_biases.h"

#include <catch2/catch.hpp>

#include "ir/dump.h"
#include "ir/verify.h"
#include "quant/fake_quant.h"

namespace qprep {
namespace {

/// A layer behind a FakeQuantize of its data `x`, whose weight is rounded to whole numbers.
struct Fixture {
  Model model;
  Graph& graph = *model.graph;
  Value& x;

  Fixture() : x(graph.add_input("x", Type::tensor(DType::kFloat32, Shape{{1, ""}, {2, ""}, {3, ""}}))) {
    model.opsets[""] = 13;
  }

  Value& quantised(Value& value, float scale) {
    return insert_fake_quantize(graph, nullptr, value, {}, Tensor::scalar(scale),
                                Tensor::of<std::int32_t>(DType::kInt32, {}, {0}), true)
        .output(0);
  }

  Node& layer(const std::string& op, Dims dims, std::vector<float> weights,
              std::optional<std::vector<float>> bias) {
    Value& data = quantised(x, 0.1F);
    Value& weight =
        quantised(graph.add_initializer("w", Tensor::floats(std::move(dims), std::move(weights))), 1.0F);
    std::vector<Value*> inputs = {&data, &weight};
    if (bias) {
      const auto size = static_cast<std::int64_t>(bias->size());
      inputs.push_back(&graph.add_initializer("b", Tensor::floats({size}, std::move(*bias))));
    }
    Node& node = graph.insert(nullptr, {.op = op, .inputs = inputs, .outputs = {"y"}});
    node.set_label("layer");
    return node;
  }

  CorrectedBiases corrected(std::vector<double> means, std::int64_t axis = 1) {
    CorrectedBiases result = correct_biases(graph, {{&x, {axis, std::move(means)}}});
    CHECK(verify(model).empty());
    return result;
  }
};

std::vector<float> constant(const Node& node, std::size_t input) {
  return constant_of(*node.input(input))->to_vector<float>();
}

}  // namespace

TEST_CASE("a convolution's bias makes up for the rounding of its weight times the mean of its data") {
  Fixture f;
  // Rounding leaves 0.25, -0.25, 0.5 (ties to even) and 0.
  Node& conv = f.layer("Conv", {2, 2, 1}, {1.25F, 2.75F, 2.5F, -3.0F}, std::vector<float>{1, 2});
  const CorrectedBiases result = f.corrected({4, 8});
  CHECK(result.layers == 1);
  CHECK(result.corrected == std::vector<std::string>{"layer"});
  CHECK(constant(conv, 2) == std::vector<float>{1 + 0.25F * 4 - 0.25F * 8, 2 + 0.5F * 4});
}

TEST_CASE("taps add up, groups see their own channels, and a bias is made where there is none") {
  Fixture f;
  Node& conv = f.layer("Conv", {2, 1, 2}, {0.25F, 0.125F, 0.5F, 1.0F}, std::nullopt);
  conv.set_attribute("group", std::int64_t{2});
  f.corrected({1, 10});
  CHECK(constant(conv, 2) == std::vector<float>{0.375F, 5.0F});
}

TEST_CASE("where a convolution pads, a tap counts by the places at which it sees data") {
  Fixture f;
  // Of 4 elements with a pad of 1 on either side, the outer taps of 3 see data at 3 of 4 places.
  f.x.set_type(Type::tensor(DType::kFloat32, Shape{{1, ""}, {1, ""}, {4, ""}}));
  Node& conv = f.layer("Conv", {1, 1, 3}, {0.25F, 0.125F, 0.5F}, std::vector<float>{1});
  SECTION("as pads say") { conv.set_attribute("pads", std::vector<std::int64_t>{1, 1}); }
  SECTION("as auto_pad says") { conv.set_attribute("auto_pad", std::string("SAME_UPPER")); }
  f.corrected({8});
  CHECK(constant(conv, 2) == std::vector<float>{1 + 0.75F * 2 + 1 + 0.75F * 4});
}

TEST_CASE("weights that were rounded by what their layer reads have their own shift") {
  Fixture f;
  Node& conv = f.layer("Conv", {2, 2, 1}, {1.25F, 2.75F, 2.5F, -3.0F}, std::vector<float>{1, 2});
  const Node* quantiser = conv.input(1)->producer();
  const CorrectedBiases result = correct_biases(f.graph, {}, {{quantiser, {0.5, -0.5}}});
  CHECK(result.corrected == std::vector<std::string>{"layer"});
  CHECK(constant(conv, 2) == std::vector<float>{1.5F, 1.5F});
}

TEST_CASE("corrected biases can be taken back, and had again") {
  Fixture f;
  const auto check = [&](Node& conv, std::optional<std::vector<float>> before) {
    const std::string text = dump(f.model);
    CorrectedBiases result = f.corrected({4, 8});
    const std::string corrected = dump(f.model);
    CHECK(corrected != text);
    result.exchange();
    CHECK(conv.input_count() == (before ? 3 : 2));
    if (before) CHECK(constant(conv, 2) == *before);
    result.exchange();
    CHECK(dump(f.model) == corrected);
    result.exchange();
    result.forget();
    CHECK(dump(f.model) == text);
    CHECK(f.corrected({4, 8}).corrected.size() == 1);
    CHECK(dump(f.model) == corrected);
  };
  SECTION("a bias of its own") {
    check(f.layer("Conv", {1, 2, 1}, {1.25F, 2.5F}, std::vector<float>{1}), std::vector<float>{1});
  }
  SECTION("no bias") { check(f.layer("Conv", {1, 2, 1}, {1.25F, 2.5F}, std::nullopt), std::nullopt); }
  SECTION("a bias that another node reads") {
    Node& conv = f.layer("Conv", {1, 2, 1}, {1.25F, 2.5F}, std::vector<float>{1});
    f.graph.insert(nullptr, {.op = "Neg", .inputs = {conv.input(2)}, .outputs = {"n"}});
    check(conv, std::vector<float>{1});
  }
}

TEST_CASE("each element of a transposed convolution's result sees one of as many taps as it strides") {
  Fixture f;
  Node& conv = f.layer("ConvTranspose", {2, 1, 4}, {0.25F, 0.25F, 0.25F, 0.25F, 0, 0, 0, 0.5F}, std::nullopt);
  conv.set_attribute("strides", std::vector<std::int64_t>{2});
  f.corrected({1, 2});
  CHECK(constant(conv, 2) == std::vector<float>{1.0F});
}

TEST_CASE("a Gemm multiplies its bias by beta and its product by alpha") {
  Fixture f;
  Node& gemm = f.layer("Gemm", {2, 1}, {0.25F, 0.5F}, std::vector<float>{3});
  gemm.set_attribute("alpha", 4.0F);
  gemm.set_attribute("beta", 2.0F);
  f.corrected({1, 2}, -1);
  CHECK(constant(gemm, 2) == std::vector<float>{3 + 4 * (0.25F + 1.0F) / 2});
}

TEST_CASE("the bias of a MatMul is the Add behind it") {
  Fixture f;
  Node& product = f.layer("MatMul", {2, 2}, {0.25F, 0, 0, 0.5F}, std::nullopt);
  Value& bias = f.graph.add_initializer("b", Tensor::floats({1, 2}, {1, 1}));
  Node& add = f.graph.insert(nullptr, {.op = "Add", .inputs = {&bias, &product.output(0)}, .outputs = {"z"}});
  CHECK(f.corrected({1, 1}, -1).corrected.size() == 1);
  CHECK(constant(add, 0) == std::vector<float>{1.25F, 1.5F});
}

TEST_CASE("what cannot be corrected stays as it is, and counts") {
  Fixture f;
  Node& conv = f.layer("Conv", {1, 2, 1}, {0.25F, 0.5F}, std::vector<float>{7});
  const auto check = [&](const CorrectedBiases& result, const std::string& because) {
    CHECK(result.layers == 1);
    CHECK(result.corrected.empty());
    REQUIRE(result.left_alone.size() == 1);
    CHECK(result.left_alone[0].layer == "layer");
    CHECK(result.left_alone[0].because == because);
  };
  SECTION("means along another axis") {
    check(f.corrected({1, 1}, -1), "it sums up axis 1 of what it reads, and the means are those of axis -1");
  }
  SECTION("as many means as there are no channels") {
    check(f.corrected({1, 1, 1}), "it sums up 2 channels, and what it reads has 3");
  }
  SECTION("data of which nothing is known") {
    check(correct_biases(f.graph, {}), "the means of 'x' by channel are not known");
  }
  SECTION("data that another node makes") {
    Node& pool = f.graph.insert(&conv, {.op = "MaxPool", .inputs = {conv.input(0)}, .outputs = {"p"}});
    pool.set_label("pool");
    conv.set_input(0, &pool.output(0));
    check(f.corrected({1, 1}), "it reads the result of MaxPool 'pool', of which no means are observed");
  }
  CHECK(constant(conv, 2) == std::vector<float>{7});
}

TEST_CASE("a bias that no constant can be is left alone") {
  Fixture f;
  const auto why = [&](double mean_axis = -1) {
    return f.corrected({1, 1}, static_cast<std::int64_t>(mean_axis)).left_alone.at(0).because;
  };
  SECTION("computed") {
    Node& conv = f.layer("Conv", {1, 2, 1}, {0.25F, 0.5F}, std::nullopt);
    Value& bias = f.graph.add_input("b", Type::tensor(DType::kFloat32, Shape{{1, ""}}));
    conv.set_input(2, &bias);
    CHECK(why(1) == "its bias is no constant for each channel");
  }
  SECTION("a Gemm that leaves it out") {
    f.layer("Gemm", {2, 1}, {0.25F, 0.5F}, std::vector<float>{3}).set_attribute("beta", 0.0F);
    CHECK(why() == "its beta is 0");
  }
  SECTION("a product that is an output") {
    f.graph.add_output(f.layer("MatMul", {2, 1}, {0.25F, 0.5F}, std::nullopt).output(0));
    CHECK(why() == "it has no bias, and not one node alone reads its result");
  }
  SECTION("a product that no Add reads") {
    Node& product = f.layer("MatMul", {2, 1}, {0.25F, 0.5F}, std::nullopt);
    f.graph.insert(nullptr, {.op = "Relu", .inputs = {&product.output(0)}, .outputs = {"z"}});
    CHECK(why() == "it has no bias, and no Add follows");
  }
  SECTION("an Add of something computed") {
    Node& product = f.layer("MatMul", {2, 1}, {0.25F, 0.5F}, std::nullopt);
    f.graph.insert(nullptr, {.op = "Add", .inputs = {&product.output(0), &f.x}, .outputs = {"z"}});
    CHECK(why() == "the Add that follows adds no constant for each channel");
  }
}

TEST_CASE("a bias that another node reads stays as it is for that node") {
  Fixture f;
  Node& conv = f.layer("Conv", {1, 2, 1}, {0.25F, 0.5F}, std::vector<float>{7});
  Node& other = f.graph.insert(nullptr, {.op = "Relu", .inputs = {conv.input(2)}, .outputs = {"z"}});
  f.corrected({4, 2});
  CHECK(constant(conv, 2) == std::vector<float>{9});
  CHECK(constant(other, 0) == std::vector<float>{7});
}

}  // namespace qprep
