#include "ir/graph.h"

#include <catch2/catch.hpp>

#include "ir/dump.h"
#include "ir/verify.h"

namespace qprep {
namespace {

// y = Relu(Conv(x, w)), with w shared by a second Conv whose result is unused.
struct Fixture {
  Model model;
  Graph& graph = *model.graph;
  Value& x = graph.add_input("x", Type::tensor(DType::kFloat32, Shape{{1, ""}, {-1, "N"}}));
  Value& w = graph.add_initializer("w", Tensor::floats({2}, {1.0F, -2.5F}));
  Node& conv = graph.insert(nullptr, {.op = "Conv", .inputs = {&x, &w}, .outputs = {"c"}, .name = "conv"});
  Node& relu =
      graph.insert(nullptr, {.op = "Relu", .inputs = {&conv.output(0)}, .outputs = {"y"}, .name = ""});
  Node& spare = graph.insert(nullptr, {.op = "Conv", .inputs = {&x, &w}, .outputs = {"c"}, .name = "conv"});

  Fixture() { graph.add_output(relu.output(0)); }
};

}  // namespace

TEST_CASE("a graph keeps names fresh, uses exact and a stable dump") {
  Fixture f;
  f.model.opsets[""] = 13;
  CHECK(verify(f.model).empty());
  CHECK(f.spare.label() == "conv_1");
  CHECK(f.w.uses().size() == 2);
  CHECK(f.conv.output(0).has_single_use());
  CHECK_FALSE(f.relu.output(0).is_unused());
  CHECK(dump(f.model) ==
        "model ir=8 onnx=13\n"
        "graph \"\"\n"
        "  input \"x\": float32[1,N]\n"
        "  const \"w\": float32[2] {1.0, -2.5}\n"
        "  \"c\": ? = Conv(\"x\", \"w\") # conv\n"
        "  \"y\": ? = Relu(\"c\") # y\n"
        "  \"c_1\": ? = Conv(\"x\", \"w\") # conv_1\n"
        "  output \"y\": ?\n");
}

TEST_CASE("a node whose output is used is not erased") {
  Fixture f;
  CHECK_THROWS_AS(f.graph.erase(f.conv), std::logic_error);
  f.graph.erase(f.spare);
  CHECK(f.w.uses().size() == 1);
  CHECK(f.w.uses()[0] == Use{&f.conv, 1});
  CHECK(verify(f.model).empty());
}

TEST_CASE("replace_uses moves every reader, those in bodies too") {
  Fixture f;
  auto body = std::make_unique<Graph>(*f.model.names, &f.spare);
  Node& inner = body->insert(nullptr, {.op = "Relu", .inputs = {&f.conv.output(0)}, .outputs = {"inner"}});
  body->add_output(inner.output(0));
  f.spare.set_attribute("body", std::move(body));
  CHECK(f.conv.output(0).uses().size() == 2);
  CHECK(enclosing_node(f.graph, inner) == &f.spare);

  f.graph.replace_uses(f.conv.output(0), f.x);
  CHECK(f.conv.output(0).is_unused());
  CHECK(inner.input(0) == &f.x);
  CHECK(f.relu.input(0) == &f.x);
  CHECK(verify(f.model).empty());
}

TEST_CASE("redirect_output keeps the name that the caller sees") {
  Fixture f;
  Node& after = f.graph.insert(nullptr, {.op = "Identity", .inputs = {&f.relu.output(0)}, .outputs = {"q"}});
  f.graph.redirect_output(0, after.output(0));
  CHECK(f.graph.outputs()[0] == &after.output(0));
  CHECK(after.output(0).name() == "y");
  CHECK(f.relu.output(0).name() == "y_float");
  CHECK(verify(f.model).empty());
}

TEST_CASE("inputs with an initializer can stop being inputs, many at once") {
  Fixture f;
  Value& a = f.graph.add_input("a", Type{});
  Value& b = f.graph.add_input("b", Type{});
  f.graph.give_initializer(a, Tensor::scalar(1.0F));
  f.graph.give_initializer(b, Tensor::scalar(2.0F));
  CHECK_THROWS_AS(f.graph.drop_inputs({&f.x}), std::logic_error);
  f.graph.drop_inputs({&a, &b});
  CHECK(f.graph.inputs().size() == 1);
  CHECK_FALSE(a.is_graph_input());
  CHECK(f.graph.initializers().size() == 3);
  CHECK(verify(f.model).empty());
}

TEST_CASE("a body can move to another node") {
  Fixture f;
  Node& from = f.graph.insert(nullptr, {.op = "Scan", .outputs = {"from"}});
  auto body = std::make_unique<Graph>(*f.model.names, &from);
  Value& inner = body->add_input("inner", Type{});
  Node& reader = body->insert(nullptr, {.op = "Add", .inputs = {&inner, &f.x}, .outputs = {"sum"}});
  body->add_output(reader.output(0));
  from.set_attribute("body", std::move(body));

  Node& to = f.graph.insert(nullptr, {.op = "Scan", .outputs = {"to"}});
  to.set_attribute("body", from.take_attribute("body"));
  CHECK(verify(f.model).size() == 1);
  to.bodies().front()->set_holder(to);
  CHECK(verify(f.model).empty());
  CHECK(from.bodies().empty());
  CHECK(enclosing_node(f.graph, reader) == &to);
  CHECK_THROWS_AS(from.take_attribute("body"), std::logic_error);
}

TEST_CASE("a released name is free again") {
  NameTable names;
  CHECK(names.fresh("a") == "a");
  CHECK(names.fresh("a") == "a_1");
  names.release("a");
  CHECK(names.fresh("a") == "a");
}

TEST_CASE("a node remembers whose work it does") {
  Fixture f;
  f.relu.absorb(f.spare);
  f.conv.take_over(f.relu);
  CHECK(f.conv.absorbed() == std::vector<std::string>{"conv_1", "y"});
  CHECK(f.relu.absorbed().empty());
}

TEST_CASE("verify tells a read before the definition") {
  Fixture f;
  f.graph.move(f.relu, &f.conv);
  const std::vector<std::string> problems = verify(f.model);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0] == "node 'y' reads 'c' before it is defined");
}

TEST_CASE("initializers can be inputs too, and are erased together") {
  Fixture f;
  Value& scale = f.graph.add_input("scale", Type{});
  f.graph.give_initializer(scale, Tensor::scalar(2.0F));
  CHECK(constant_of(scale)->at<float>(0) == 2.0F);
  CHECK(f.graph.initializers().size() == 2);
  f.graph.erase_initializers({&scale});
  CHECK(f.graph.initializers().size() == 1);
  CHECK(constant_of(scale) == nullptr);
  CHECK(f.graph.inputs().size() == 2);
  CHECK_THROWS_AS(f.graph.erase_initializers({&f.w}), std::logic_error);
}

}  // namespace qprep
