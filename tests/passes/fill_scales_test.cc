#include "passes/fill_scales.h"

#include <catch2/catch.hpp>
#include <limits>

#include "ir/verify.h"
#include "quant/fake_quant.h"
#include "support/codes.h"

namespace qprep {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

Range range(float min, float max, std::int64_t infinite = 0, std::int64_t nan = 0) {
  return {min, max, 10, infinite, nan};
}

/// A FakeQuantize that observes, behind each of a few inputs.
struct Fixture {
  Model model;
  Graph& graph = *model.graph;
  Diagnostics diagnostics;

  Fixture() { model.opsets[""] = 13; }

  Node& observe(Value& x, const QuantSpec& spec = {}) {
    const auto [scale, zero_point] = unset_scale();
    return insert_fake_quantize(graph, nullptr, x, spec, scale, zero_point, false);
  }
  Value& input(const std::string& name) {
    return graph.add_input(name, Type::tensor(DType::kFloat32, Shape{{2, ""}, {3, ""}}));
  }
  std::string said(std::size_t i) const { return to_text(diagnostics.all().at(i)); }
};

float scale_of_node(const Node& node) { return constant_of(*node.input(1))->at<float>(0); }

}  // namespace

TEST_CASE("fill-scales calibrates a node from the range of its tensor") {
  Fixture f;
  Node& a = f.observe(f.input("a"));
  Node& b = f.observe(f.input("b"), {.precision = Precision::kInt16});
  CHECK(
      fill_scales(f.model, {{"a", range(-3.0F, 2.0F)}, {"b", range(0.0F, 8.0F)}}, f.diagnostics).calibrated ==
      2);
  CHECK(scale_of_node(a) == 3.0F / 127.5F);
  CHECK(scale_of_node(b) == 8.0F / 32767.5F);
  CHECK(a.input(1)->name() == "a_scale");
  CHECK(read_fake_quantize(a)->calibrated);
  CHECK(f.model.functions.size() == 1);
  CHECK(f.model.function_of(a) != nullptr);
  CHECK(f.diagnostics.all().empty());
  CHECK(verify(f.model).empty());
  CHECK(fill_scales(f.model, {{"a", range(-9.0F, 9.0F)}}, f.diagnostics).calibrated == 0);
  CHECK(scale_of_node(a) == 3.0F / 127.5F);
}

TEST_CASE("fill-scales leaves a tensor float that has no usable range, and says why") {
  Fixture f;
  std::vector<Node*> nodes;
  for (const char* name : {"unseen", "missing", "zero", "nan", "tiny", "huge"})
    nodes.push_back(&f.observe(f.input(name)));
  const Ranges ranges = {{"unseen", Range()},
                         {"zero", range(0.0F, 0.0F)},
                         {"nan", range(-1.0F, 1.0F, 2, 3)},
                         {"tiny", range(0.0F, 1e-40F)},
                         {"huge", range(-3.4e38F, 0.0F)}};
  CHECK(fill_scales(f.model, ranges, f.diagnostics).calibrated == 0);
  for (const Node* node : nodes) {
    CHECK_FALSE(read_fake_quantize(*node)->calibrated);
    CHECK(scale_of_node(*node) == 1.0F);
  }
  REQUIRE(f.diagnostics.count(Severity::kWarning) == 6);
  CHECK(f.said(0) == "warning: tensor 'unseen' stays float: no sample computed it [odd-range]");
  CHECK(f.said(1) == "warning: tensor 'missing' stays float: no sample computed it [odd-range]");
  CHECK(f.said(2) == "warning: tensor 'zero' stays float: it was 0 in every sample [odd-range]");
  CHECK(f.said(3) ==
        "warning: tensor 'nan' stays float: the samples gave it 3 NaN and 2 infinite elements [odd-range]");
  CHECK(f.said(4).starts_with(
      "warning: tensor 'tiny' stays float: its range 0 to 1e-40 leaves no float32 scale"));
  CHECK(
      f.said(5).starts_with("warning: tensor 'huge' stays float: its range -3.4e+38 to 0 leaves no float32"));
}

TEST_CASE("fill-scales tells of many tensors with one reason together") {
  Fixture f;
  for (const char* name : {"a", "b", "c", "d", "e"}) f.observe(f.input(name));
  CHECK(fill_scales(f.model, Ranges{{"c", range(0.0F, 0.0F)}}, f.diagnostics).left_float.size() == 5);
  REQUIRE(f.diagnostics.count(Severity::kWarning) == 2);
  CHECK(
      f.said(0) ==
      "warning: 4 tensors stay float, 'a', 'b', 'd' and 1 more; of each: no sample computed it [odd-range]");
  CHECK(f.said(1) == "warning: tensor 'c' stays float: it was 0 in every sample [odd-range]");
}

TEST_CASE("fill-scales gives a tensor that never varies the scale of its value") {
  Fixture f;
  Node& node = f.observe(f.input("x"));
  CHECK(fill_scales(f.model, {{"x", range(2.0F, 2.0F)}}, f.diagnostics).calibrated == 1);
  CHECK(scale_of_node(node) == 2.0F / 127.5F);
  CHECK(f.said(0) == "note: tensor 'x' was 2 in every sample; its scale comes from that [odd-range]");
}

TEST_CASE("fill-scales takes constants from their payload, per channel too") {
  Fixture f;
  Node& weight = f.observe(f.graph.add_initializer("w", Tensor::floats({2, 2}, {1.0F, -4.0F, 0.0F, 2.0F})),
                           {.channel_axis = 0});
  Node& infinite = f.observe(f.graph.add_initializer("mask", Tensor::floats({2}, {0.0F, -kInf})));
  Node& vector =
      f.observe(f.graph.add_initializer("v", Tensor::floats({2}, {0.0F, 1.0F})), {.channel_axis = 1});
  Node& integer = f.observe(f.graph.add_initializer("i", Tensor::int64s({1}, {7})));
  Node& activation = f.observe(f.input("x"), {.channel_axis = 1});
  CHECK(fill_scales(f.model, {{"x", range(-1.0F, 1.0F)}}, f.diagnostics).calibrated == 1);
  CHECK(read_fake_quantize(weight)->calibrated);
  CHECK(weight.input(1)->initializer()->to_vector<float>() ==
        std::vector<float>{4.0F / 127.5F, 2.0F / 127.5F});
  CHECK(weight.input(1)->initializer()->dims() == Dims{2, 1});
  CHECK(weight.input(2)->initializer()->dims() == Dims{2, 1});
  for (const Node* node : {&infinite, &vector, &integer, &activation})
    CHECK_FALSE(read_fake_quantize(*node)->calibrated);
  CHECK(f.said(0) == "warning: tensor 'mask' stays float: it holds NaN or infinity [odd-range]");
  CHECK(f.said(1) == "warning: tensor 'v' stays float: it has no axis 1 [odd-range]");
  CHECK(f.said(2) == "warning: tensor 'i' stays float: it is no float32 constant [odd-range]");
  CHECK(f.said(3) ==
        "warning: tensor 'x' stays float: nothing is known of its channels (axis 1) [odd-range]");
}

TEST_CASE("fill-scales does not touch scales that others read") {
  Fixture f;
  Value& shared = f.graph.add_initializer("s", Tensor::scalar(1.0F));
  Node& a = f.observe(f.input("a"));
  Node& b = f.observe(f.input("b"));
  a.set_input(1, &shared);
  b.set_input(1, &shared);
  CHECK(fill_scales(f.model, {{"a", range(-1.0F, 1.0F)}}, f.diagnostics).calibrated == 1);
  CHECK(scale_of_node(a) == 1.0F / 127.5F);
  CHECK(scale_of_node(b) == 1.0F);
}

TEST_CASE("fill-scales refuses a FakeQuantize that somebody broke") {
  Fixture f;
  f.observe(f.input("x")).set_attribute("dtype", std::string("qint5"));
  CHECK(fill_scales(f.model, {{"x", range(-1.0F, 1.0F)}}, f.diagnostics).calibrated == 0);
  CHECK(
      f.said(0) ==
      "error: FakeQuantize node 'x_fq' cannot be calibrated: its dtype 'qint5' is not known [fake-quantize]");
  CHECK(f.diagnostics.all().front().code == codes::kFakeQuantize);
}

}  // namespace qprep
