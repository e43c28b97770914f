#include <catch2/catch.hpp>
#include <cmath>

#include "config/composites.h"
#include "config/fusion.h"
#include "config/op_classes.h"
#include "ir/dump.h"
#include "ir/verify.h"
#include "passes/dump_plan.h"
#include "passes/pipeline.h"
#include "passes/weights.h"
#include "quant/fake_quant.h"

/// What the golden cases of group-units, apply-templates and insert-fake-quant do not show.
namespace qprep {
namespace {

std::string configs(const char* file) { return std::string(QPREP_SOURCE_DIR) + "/configs/" + file; }

Type floats(Dims dims) {
  Shape shape;
  for (const std::int64_t size : dims) shape.push_back({size, ""});
  return Type::tensor(DType::kFloat32, std::move(shape));
}

/// A model, decided and acted on.
struct Prepared {
  Model model;
  Plan plan;
  Diagnostics diagnostics;

  Prepared() { model.opsets[""] = 13; }

  Value& input(std::string name, Dims dims) {
    return model.graph->add_input(std::move(name), floats(std::move(dims)));
  }
  Value& weight(std::string name, Dims dims, float step) {
    std::vector<float> values(static_cast<std::size_t>(*element_count(dims)));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = step * static_cast<float>(i);
    return model.graph->add_initializer(std::move(name), Tensor::floats(std::move(dims), std::move(values)));
  }
  Value& node(std::string op, std::vector<Value*> inputs, std::string output) {
    Node& made = model.graph->insert(
        nullptr, {.op = std::move(op), .inputs = std::move(inputs), .outputs = {output}, .name = output});
    made.output(0).set_type(Type::tensor(DType::kFloat32));
    return made.output(0);
  }
  void run() {
    static const OpClasses classes = read_op_classes(configs("op_classes.yaml"));
    static const FusionRules fusion = read_fusion_rules(configs("fusion.yaml"));
    static const Composites composites = read_composites(configs("composites.yaml"));
    Env env{.diagnostics = diagnostics, .op_classes = &classes, .fusion = &fusion, .composites = &composites};
    run_passes(model, plan, pipeline(PassKind::kDecide), env);
    run_passes(model, plan, pipeline(PassKind::kAct), env);
  }
};

std::vector<float> scale_of(const Prepared& prepared, const Value& value) {
  return prepared.plan.known_scales.at(&value).scale.to_vector<float>();
}

}  // namespace

TEST_CASE("the groups of a ConvTranspose share the scales of their channels") {
  Prepared p;
  Value& x = p.input("x", {1, 4, 5, 5});
  Value& w = p.weight("w", {4, 3, 2, 2}, 0.5F);  // two groups of two channels to three
  Value& y = p.node("ConvTranspose", {&x, &w}, "y");
  y.producer()->set_attribute("group", std::int64_t{2});
  p.model.graph->add_output(y);
  p.run();

  CHECK(p.plan.values.at(&w).spec.channel_axis == 1);
  const KnownScale& known = p.plan.known_scales.at(&w);
  CHECK(known.scale.dims() == Dims{3, 1, 1});
  const Tensor& weight = *w.initializer();
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    float largest = 0;
    for (std::int64_t c = 0; c < 4; ++c) {
      for (std::int64_t k = 0; k < 4; ++k) {
        largest = std::max(largest, std::fabs(weight.at<float>((c * 3 + channel) * 4 + k)));
      }
    }
    CHECK(scale_of(p, w)[static_cast<std::size_t>(channel)] ==
          static_cast<float>(static_cast<double>(largest) / 127.5));
  }
}

TEST_CASE("the channels of weights are counted as their operators do") {
  const OpClasses classes = read_op_classes(configs("op_classes.yaml"));
  Prepared p;
  Value& x = p.input("x", {1, 4});
  const auto axis = [&](const char* op, const char* attribute, std::int64_t value, const Dims& dims) {
    Node& node = *p.node(op, {&x}, "n").producer();
    if (*attribute != '\0') node.set_attribute(attribute, value);
    return channel_axis(node, classes.of(node), dims);
  };
  CHECK(axis("Conv", "", 0, {8, 4, 3}) == 0);
  CHECK(axis("Conv", "group", 4, {4, 1, 3, 3, 3}) == 0);
  CHECK(axis("ConvTranspose", "", 0, {4, 8, 3, 3}) == 1);
  CHECK(axis("ConvTranspose", "group", 4, {4, 2, 3, 3}) == 1);
  CHECK(axis("ConvTranspose", "group", 4, {4, 1, 3, 3}) == 0);
  CHECK(axis("ConvTranspose", "", 0, {1, 1, 3, 3}) == 0);
  CHECK(axis("ConvTranspose", "group", 2, {4, 1, 3, 3}) == 1);
  CHECK(axis("MatMul", "", 0, {4, 8}) == 1);
  CHECK(axis("MatMul", "", 0, {2, 3, 4, 8}) == 3);
  CHECK(axis("MatMul", "", 0, {4}) == -1);
  CHECK(axis("Gemm", "", 0, {4, 8}) == 1);
  CHECK(axis("Gemm", "transB", 1, {8, 4}) == 0);
  CHECK(axis("Einsum", "", 0, {4, 8}) == -1);
}

TEST_CASE("one FakeQuantize serves every reader of a tensor, and types pass it") {
  Prepared p;
  Value& x = p.input("x", {2, 4});
  Value& w = p.weight("w", {4, 4}, 0.125F);
  for (const char* name : {"a", "b", "c"}) p.model.graph->add_output(p.node("MatMul", {&x, &w}, name));
  p.run();
  CHECK(verify(p.model).empty());
  std::size_t count = 0;
  for (const Node& node : p.model.graph->nodes()) {
    if (!is_fake_quantize(node)) continue;
    ++count;
    CHECK(node.output(0).type() == node.input(0)->type());
    CHECK(node.output(0).uses().size() == 3);
    CHECK(node.input(0)->has_single_use());
  }
  CHECK(count == 2);
}

TEST_CASE("nothing is decided for a model without nodes, and nothing inserted") {
  Prepared p;
  p.model.graph->add_output(p.input("x", {2}));
  const std::string before = dump(p.model);
  p.run();
  CHECK(p.plan.values.empty());
  CHECK(dump(p.model) == before);
}

TEST_CASE("deciding is linear and does not depend on how deep a chain is") {
  // A chain of passive operators with a reader at every step: each reader looks back to the root.
  constexpr int kSteps = 20000;
  Prepared p;
  Value* at = &p.input("x", {2, 2});
  for (int i = 0; i < kSteps; ++i) {
    at = &p.node("Transpose", {at}, "t");
    if (i % 2 == 1) p.model.graph->add_output(p.node("Sigmoid", {at}, "s"));
  }
  p.run();
  CHECK(p.plan.same_as.size() == kSteps);
  CHECK(p.plan.values.size() == kSteps / 2 + 1);
}

TEST_CASE("two runs decide the same") {
  const auto text = [] {
    Prepared p;
    Value& x = p.input("x", {2, 4});
    Value& w = p.weight("w", {4, 4}, 0.125F);
    Value& u = p.weight("u", {4}, 1);
    Value& h = p.node("MatMul", {&x, &w}, "h");
    Value& r = p.node("Relu", {&h}, "r");
    Value& a = p.node("Add", {&r, &u}, "a");
    p.model.graph->add_output(p.node("MatMul", {&a, &w}, "y"));
    p.run();
    return dump(p.model) + dump_plan(p.model, p.plan);
  };
  CHECK(text() == text());
}

}  // namespace qprep
