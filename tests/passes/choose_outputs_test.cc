#include "passes/choose_outputs.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "ir/verify.h"
#include "support/codes.h"

using namespace qprep;

namespace {

/// x -> Relu "a" -> Add "b" (with w) -> Split "c" -> c_0, c_1; b -> Abs "d" -> y.
struct Branches {
  Model model;
  Diagnostics diagnostics;

  Branches() {
    model.opsets[""] = 13;
    Graph& graph = *model.graph;
    Value& x = graph.add_input("x", Type::tensor(DType::kFloat32));
    Value& a = add("Relu", "a", {&x}, {"a_out"});
    Value& b = add("Add", "b", {&a, &graph.add_initializer("w", Tensor::floats({1}, {1.0F}))}, {"b_out"});
    add("Split", "c", {&b}, {"c_0", "c_1"});
    graph.add_output(add("Abs", "d", {&b}, {"y"}));
    graph.add_output(graph.nodes().back().output(0));
  }
  Value& add(std::string op, std::string name, std::vector<Value*> inputs, std::vector<std::string> outputs) {
    Node& node = model.graph->insert(nullptr, {.op = std::move(op),
                                               .inputs = std::move(inputs),
                                               .outputs = std::move(outputs),
                                               .name = std::move(name)});
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      node.output(i).set_type(Type::tensor(DType::kFloat32));
    }
    return node.output(0);
  }
  void choose(const std::vector<std::string>& names) {
    std::vector<Placed<std::string>> placed;
    int line = 0;
    for (const std::string& name : names) placed.push_back({name, {"c.yaml", ++line, 3}});
    choose_outputs(model, placed, diagnostics);
  }
  std::vector<std::string> outputs() const {
    std::vector<std::string> names;
    for (const Value* value : model.graph->outputs()) names.push_back(value->name());
    return names;
  }
  std::vector<std::string> nodes() const {
    std::vector<std::string> names;
    for (const Node& node : model.graph->nodes()) names.push_back(node.name());
    return names;
  }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("Outputs are tensors or what nodes make, and what leads nowhere is left out") {
  Branches branches;
  branches.choose({"c", "a_out"});
  CHECK(branches.outputs() == Texts{"c_0", "c_1", "a_out"});
  CHECK(branches.nodes() == Texts{"a", "b", "c"});
  CHECK(verify(branches.model).empty());
  REQUIRE(branches.diagnostics.all().size() == 1);
  CHECK(to_text(branches.diagnostics.all()[0]) ==
        "c.yaml:1:3: note: the outputs are 'c_0', 'c_1', 'a_out'; 1 node that leads to none of them is left "
        "out [graph-cut]");

  branches.choose({"a"});
  CHECK(branches.outputs() == Texts{"a_out"});
  CHECK(branches.nodes() == Texts{"a"});
  CHECK(branches.model.graph->initializers().empty());
  CHECK(verify(branches.model).empty());
}

TEST_CASE("Without names the outputs stay") {
  Branches branches;
  branches.choose({});
  CHECK(branches.outputs() == Texts{"y", "y"});
  CHECK(branches.nodes().size() == 4);
  CHECK(branches.diagnostics.all().empty());
}

TEST_CASE("Texts that cannot be outputs change nothing, and each is said") {
  Branches branches;
  branches.model.graph->nodes().front().output(0).set_type({});
  branches.choose({"bout", "x", "d", "y", "a"});
  CHECK(branches.outputs() == Texts{"y", "y"});
  Texts messages;
  for (const Diagnostic& each : branches.diagnostics.all()) messages.push_back(each.message);
  CHECK(
      messages ==
      Texts{
          "'bout' cannot be an output: no node of the model makes or bears that name (did you mean 'b_out'?)",
          "'x' cannot be an output: no node makes it", "'y' is named twice as an output",
          "'a_out' cannot be an output: its type is not known"});
}
