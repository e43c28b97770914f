#include "passes/cut_ends.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "ir/verify.h"
#include "support/codes.h"

using namespace qprep;

namespace {

Type floats(std::vector<std::int64_t> sizes) {
  Shape shape;
  for (const std::int64_t size : sizes) shape.push_back({size, {}});
  return Type::tensor(DType::kFloat32, std::move(shape));
}

/// x -> Transpose "in" -> Relu "middle" -> Transpose "t" -> Reshape "r" -> y.
Model with_ends() {
  Model model;
  model.opsets[""] = 13;
  Graph& graph = *model.graph;
  Value* present = &graph.add_input("x", floats({2, 3}));
  const auto add = [&](const char* op, const char* name, Type type, Value* second = nullptr) {
    NodeSpec spec{.op = op, .inputs = {present}, .outputs = {std::string(name) + "_out"}, .name = name};
    if (second) spec.inputs.push_back(second);
    present = &graph.insert(nullptr, std::move(spec)).output(0);
    present->set_type(std::move(type));
  };
  add("Transpose", "in", floats({3, 2}));
  add("Relu", "middle", floats({3, 2}));
  add("Transpose", "t", floats({2, 3}));
  add("Reshape", "r", floats({6}), &graph.add_initializer("shape", Tensor::int64s({1}, {6})));
  graph.add_output(*present);
  return model;
}

std::vector<std::string> left(const Model& model) {
  std::vector<std::string> names;
  for (const Node& node : model.graph->nodes()) names.push_back(node.name());
  return names;
}

using Labels = std::vector<std::string>;

}  // namespace

TEST_CASE("Operators go from both ends, one after the other") {
  Model model = with_ends();
  Diagnostics diagnostics;
  cut_ends(model, {{"Transpose", "Reshape"}, {}, {"c.yaml", 3, 1}}, diagnostics);
  CHECK(left(model) == Labels{"middle"});
  CHECK(verify(model).empty());
  CHECK(model.graph->inputs().front()->type() == floats({3, 2}));
  CHECK(model.graph->outputs().front()->name() == "r_out");
  CHECK(model.graph->outputs().front()->type() == floats({3, 2}));
  REQUIRE(diagnostics.all().size() == 3);
  CHECK(to_text(diagnostics.all()[0]) ==
        "c.yaml:3:1: note: Reshape 'r' is cut off from the output 'r_out' [graph-cut]");
}

TEST_CASE("Only what stands at an end goes") {
  Model model = with_ends();
  Diagnostics diagnostics;
  cut_ends(model, {{"Relu"}, {}, {}}, diagnostics);
  CHECK(left(model).size() == 4);
  CHECK(diagnostics.all().empty());
}

TEST_CASE("Nodes by their names, and names that cannot go") {
  Model model = with_ends();
  Diagnostics diagnostics;
  cut_ends(model, {{}, {"t", "r", "midle"}, {}}, diagnostics);
  CHECK(left(model) == Labels{"in", "middle"});
  REQUIRE(diagnostics.count(Severity::kError) == 1);
  CHECK(diagnostics.all().back().code == codes::kGraphCut);
  CHECK(diagnostics.all().back().message ==
        "'midle' cannot be removed: the model has no such node (did you mean 'middle'?)");
  Model other = with_ends();
  Diagnostics said;
  cut_ends(other, {{}, {"t"}, {}}, said);
  CHECK(said.all().back().message ==
        "'t' cannot be removed: it does not stand alone between one other tensor and "
        "an input or output of the model");
}
