#include "opset/raise_opset.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>

#include "ir/dump.h"
#include "ir/verify.h"
#include "opset/known_type.h"
#include "opset/steps.h"
#include "support/codes.h"

namespace qprep {
namespace {

Type floats(Shape shape) { return Type::tensor(DType::kFloat32, std::move(shape)); }

// y = Clip<min = 0.5>(x), of a type.
struct OneClip {
  Model model;
  Node* node = nullptr;

  explicit OneClip(DType dtype, float limit = 0.5F) {
    Value& x = model.graph->add_input("x", Type::tensor(dtype, Shape{{4, ""}}));
    node = &model.graph->insert(nullptr, {.op = "Clip", .inputs = {&x}, .outputs = {"y"}, .name = "clip"});
    node->set_attribute("min", limit);
    model.graph->add_output(node->output(0));
    model.opsets[""] = 6;
  }

  void raise(std::int64_t target) {
    Diagnostics diagnostics;
    raise_opset(model, target, diagnostics);
    CHECK(verify(model).empty());
  }
};

std::uint16_t half_limit(float limit) {
  OneClip clip(DType::kFloat16, limit);
  clip.raise(11);
  return constant_of(*clip.node->input(1))->at<std::uint16_t>(0);
}

}  // namespace

TEST_CASE("each operator set has the IR version that it was released with") {
  CHECK(ir_version_for_opset(1) == 3);
  CHECK(ir_version_for_opset(8) == 3);
  CHECK(ir_version_for_opset(9) == 4);
  CHECK(ir_version_for_opset(11) == 6);
  CHECK(ir_version_for_opset(13) == 7);
  CHECK(ir_version_for_opset(21) == 10);
  CHECK(ir_version_for_opset(kNewestOpset) == 14);
}

TEST_CASE("from IR 3 to 4 initializers stop being inputs, in bodies too") {
  Model model;
  model.ir_version = 3;
  Graph& graph = *model.graph;
  Value& x = graph.add_input("x", floats({{1, ""}}));
  Value& w = graph.add_input("w", floats({{1, ""}}));
  graph.give_initializer(w, Tensor::floats({1}, {2.0F}));
  Node& loop = graph.insert(nullptr, {.op = "Loop", .inputs = {&x}, .outputs = {"y"}});
  auto body = std::make_unique<Graph>(*model.names, &loop);
  Value& inner = body->add_input("inner", floats({{1, ""}}));
  body->give_initializer(inner, Tensor::floats({1}, {3.0F}));
  Graph& body_graph = *body;
  loop.set_attribute("body", std::move(body));

  Diagnostics diagnostics;
  raise_ir_version(model, 3, diagnostics);
  CHECK(w.is_graph_input());
  raise_ir_version(model, 8, diagnostics);
  CHECK(model.ir_version == 8);
  CHECK(graph.inputs().size() == 1);
  CHECK(graph.initializers().size() == 1);
  CHECK(body_graph.inputs().empty());
  REQUIRE(diagnostics.all().size() == 1);
  CHECK(diagnostics.all()[0].code == codes::kIrVersion);
  CHECK(diagnostics.all()[0].message ==
        "the IR version rises from 3 to 8: 'w' and 1 more are no longer graph inputs, so that they stay the "
        "constants "
        "they were");
  raise_ir_version(model, 5, diagnostics);
  CHECK(model.ir_version == 8);
}

TEST_CASE("from IR 4 on, a default that a caller may override stays one") {
  Model model;
  model.ir_version = 4;
  Value& x = model.graph->add_input("x", floats({{1, ""}, {3, ""}, {2, ""}}));
  Value& b = model.graph->add_input("b", floats({{3, ""}}));
  model.graph->give_initializer(b, Tensor::floats({3}, {1.0F, 2.0F, 3.0F}));
  Node& add = model.graph->insert(nullptr, {.op = "Add", .inputs = {&x, &b}, .outputs = {"y"}});
  add.set_attribute("broadcast", std::int64_t{1});
  add.set_attribute("axis", std::int64_t{1});
  model.opsets[""] = 6;
  Diagnostics diagnostics;
  raise_opset(model, 7, diagnostics);
  CHECK(b.is_graph_input());
  CHECK(b.initializer()->dims() == Dims{3});
  CHECK(add.input(1)->producer()->op() == "Unsqueeze");
  CHECK(diagnostics.all().empty());
}

TEST_CASE("the import is found under both names, and where the IR implies it") {
  OneClip other_name(DType::kFloat32);
  other_name.model.opsets = {{"ai.onnx", 6}};
  other_name.raise(11);
  CHECK(other_name.model.opsets == Opsets{{"ai.onnx", 11}});

  OneClip implied(DType::kFloat32);
  implied.model.opsets.clear();
  implied.model.ir_version = 2;
  implied.raise(11);
  CHECK(implied.model.opsets == Opsets{{"", 11}});
  CHECK(implied.node->input_count() == 2);

  OneClip none(DType::kFloat32);
  none.model.opsets.clear();
  none.raise(11);
  CHECK(none.model.opsets == Opsets{{"", 11}});
  CHECK(none.node->input_count() == 1);
}

TEST_CASE("what is new enough is left as it is") {
  OneClip clip(DType::kFloat32);
  clip.model.ir_version = 3;
  const std::string before = dump(clip.model);
  clip.raise(6);
  clip.raise(1);
  CHECK(dump(clip.model) == before);
  Diagnostics diagnostics;
  CHECK_THROWS_AS(raise_opset(clip.model, kNewestOpset + 1, diagnostics), std::logic_error);
}

TEST_CASE("limits become scalars of the data's element type, to the nearest") {
  OneClip wide(DType::kFloat64, 0.1F);
  wide.raise(11);
  CHECK(constant_of(*wide.node->input(1))->at<double>(0) == static_cast<double>(0.1F));

  CHECK(half_limit(0.0F) == 0x0000);
  CHECK(half_limit(-0.0F) == 0x8000);
  CHECK(half_limit(1.0F) == 0x3c00);
  CHECK(half_limit(-2.5F) == 0xc100);
  CHECK(half_limit(65504.0F) == 0x7bff);
  CHECK(half_limit(65519.0F) == 0x7bff);
  CHECK(half_limit(65520.0F) == 0x7c00);
  CHECK(half_limit(-std::numeric_limits<float>::max()) == 0xfc00);
  CHECK(half_limit(0x1p-24F) == 0x0001);
  CHECK(half_limit(0x1p-25F) == 0x0000);    // a tie, to even
  CHECK(half_limit(0x1.8p-24F) == 0x0002);  // a tie, to even
  CHECK(half_limit(0x1.ff8p-15F) == 0x03ff);
  CHECK(half_limit(0x1.ffcp-15F) == 0x0400);  // a tie, up to the least normal number
  CHECK(half_limit(0x1.002p0F) == 0x3c00);    // a tie, to even
  CHECK(half_limit(0x1.006p0F) == 0x3c02);    // a tie, to even
  CHECK(half_limit(0x1.ffep0F) == 0x4000);
  CHECK((half_limit(std::numeric_limits<float>::quiet_NaN()) & 0x7fff) > 0x7c00);
}

TEST_CASE("every node that cannot be raised is named") {
  OneClip clip(DType::kUndefined);
  clip.model.file = "model.onnx";
  Node& second = clip.model.graph->insert(
      nullptr, {.op = "Clip", .inputs = {&clip.node->output(0)}, .outputs = {"z"}, .name = "second"});
  second.set_attribute("max", std::string("six"));
  Diagnostics diagnostics;
  try {
    raise_opset(clip.model, 13, diagnostics);
    FAIL("nothing was thrown");
  } catch (const Fatal& fatal) {
    REQUIRE(fatal.diagnostics().size() == 2);
    CHECK(to_text(fatal.diagnostics()[0]) ==
          "model.onnx: error: node 'clip': Clip of opset 6 cannot be raised to 11: the element type of its "
          "input 'x' "
          "is not known; state the types of the graph's inputs, or export the model at the newer opset "
          "[opset-raise]");
    CHECK(to_text(fatal.diagnostics()[1]) ==
          "model.onnx: error: node 'second': Clip of opset 6 cannot be raised to 11: its attribute 'max' is "
          "not a "
          "float; correct the model [opset-raise]");
  }
}

TEST_CASE("a function of the model that bears an operator's name is none") {
  OneClip clip(DType::kFloat32);
  Function own;
  own.name = "Clip";
  own.opsets = {{"", 6}};
  own.body = std::make_unique<Graph>(*clip.model.names, nullptr);
  clip.model.functions.push_back(std::move(own));
  clip.raise(11);
  CHECK(clip.node->input_count() == 1);
  CHECK(clip.model.functions[0].opsets == Opsets{{"", 11}});
}

TEST_CASE("a type is told by operators whose result is like their input") {
  Model model;
  Graph& graph = *model.graph;
  const auto apply = [&](const char* op, std::vector<Value*> inputs) -> Value& {
    return graph.insert(nullptr, {.op = op, .inputs = std::move(inputs), .outputs = {"v"}}).output(0);
  };
  Value& x = graph.add_input("x", floats({{1, ""}, {3, ""}}));
  Value& cube = graph.add_input("cube", floats({{1, ""}, {1, ""}, {1, ""}}));
  Value& unknown = graph.add_input("unknown", Type{});
  Value& relu = apply("Relu", {&apply("Affine", {&x})});
  CHECK(known_type(relu).dtype == DType::kFloat32);
  CHECK(known_type(relu).rank == 2U);
  CHECK(known_type(apply("Add", {&relu, &cube})).rank == 3U);
  CHECK_FALSE(known_type(apply("Add", {&relu, &unknown})).rank);
  CHECK(known_type(apply("Reshape", {&relu, &unknown})).dtype == DType::kFloat32);
  CHECK_FALSE(known_type(apply("Relu", {&apply("Reshape", {&relu, &unknown})})).rank);
  CHECK(known_type(apply("Mystery", {&relu})).dtype == DType::kUndefined);
  CHECK(known_type(unknown).dtype == DType::kUndefined);
}

TEST_CASE("the table goes step by step") {
  const std::span<const Step> table = steps();
  CHECK(std::is_sorted(table.begin(), table.end(), [](const Step& a, const Step& b) {
    return std::pair(a.op, a.to) < std::pair(b.op, b.to);
  }));
  for (std::size_t i = 0; i < table.size(); ++i) {
    CAPTURE(table[i].op, table[i].to);
    CHECK(table[i].from < table[i].to);
    CHECK(table[i].to <= kNewestOpset);
    if (i > 0 && table[i - 1].op == table[i].op) CHECK(table[i - 1].to == table[i].from);
  }
}

}  // namespace qprep
