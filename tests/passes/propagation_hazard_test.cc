#include "passes/propagation_hazard.h"

#include <catch2/catch.hpp>

namespace qprep {
namespace {

/// A dequantised tensor, an operator behind it, and an If whose body reads what that makes.
struct Fixture {
  Model model;
  Graph& graph = *model.graph;
  Value& condition = graph.add_input("c", Type::tensor(DType::kBool));
  Node* dequantise = nullptr;

  Fixture() {
    Value& integers = graph.add_input("q", Type::tensor(DType::kInt8));
    Value& scale = graph.add_initializer("s", Tensor::scalar(0.5F));
    dequantise =
        &graph.insert(nullptr, {.op = "DequantizeLinear", .inputs = {&integers, &scale}, .outputs = {"d"}});
  }

  Node& behind(Graph& in, const std::string& op, Value& x) {
    return in.insert(nullptr, {.op = op, .inputs = {&x}, .outputs = {op}});
  }
  Graph& if_with_body() {
    Node& node = graph.insert(nullptr, {.op = "If", .inputs = {&condition}, .outputs = {"y"}});
    auto body = std::make_unique<Graph>(*model.names, &node);
    Graph& made = *body;
    node.set_attribute("then_branch", std::move(body));
    return made;
  }
};

}  // namespace

TEST_CASE("a body that reads what an operator makes of a dequantised tensor is a hazard") {
  Fixture f;
  SECTION("right behind") {
    Node& squeeze = f.behind(f.graph, "Squeeze", f.dequantise->output(0));
    f.behind(f.if_with_body(), "Relu", squeeze.output(0));
    CHECK(propagation_hazard(f.graph) == &squeeze);
  }
  SECTION("over several operators") {
    Node& first = f.behind(f.graph, "Transpose", f.dequantise->output(0));
    Node& last = f.behind(f.graph, "MaxPool", first.output(0));
    f.behind(f.if_with_body(), "Relu", last.output(0));
    CHECK(propagation_hazard(f.graph) == &last);
  }
  SECTION("in the body of an If, which another body reads") {
    Graph& body = f.if_with_body();
    Node& unsqueeze = f.behind(body, "Unsqueeze", f.dequantise->output(0));
    body.add_output(unsqueeze.output(0));
    f.behind(f.if_with_body(), "Relu", body.holder()->output(0));
    CHECK(propagation_hazard(f.graph) == &unsqueeze);
  }
}

TEST_CASE("other readers are no hazard") {
  Fixture f;
  SECTION("an operator that ONNX Runtime does not move over") {
    Node& relu = f.behind(f.graph, "Relu", f.dequantise->output(0));
    f.behind(f.if_with_body(), "Neg", relu.output(0));
  }
  SECTION("the body reads the tensor itself") { f.behind(f.if_with_body(), "Neg", f.dequantise->output(0)); }
  SECTION("no body reads it") {
    f.behind(f.graph, "Relu", f.behind(f.graph, "Reshape", f.dequantise->output(0)).output(0));
  }
  CHECK(propagation_hazard(f.graph) == nullptr);
}

}  // namespace qprep
