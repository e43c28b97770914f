#include "onnx_io/infer_element_types.h"

#include <catch2/catch.hpp>

namespace qprep {

TEST_CASE("data beside float32 weights are float32, before and after, whoever made them") {
  Model model;
  model.opsets[""] = 13;
  Graph& graph = *model.graph;
  Value& x = graph.add_input("x", Type{});
  Value& w = graph.add_initializer("w", Tensor::floats({1, 1, 1, 1}, {1.0F}));
  Node& unknown = graph.insert(
      nullptr, {.op = "Mystery", .inputs = {&x}, .outputs = {"m", "unused"}, .name = {}, .domain = "vendor"});
  Node& relu = graph.insert(nullptr, {.op = "Relu", .inputs = {&unknown.output(0)}, .outputs = {"r"}});
  Node& conv = graph.insert(nullptr, {.op = "Conv", .inputs = {&relu.output(0), &w}, .outputs = {"y"}});
  Node& shape = graph.insert(nullptr, {.op = "Shape", .inputs = {&conv.output(0)}, .outputs = {"s"}});
  graph.add_output(shape.output(0));

  infer_element_types(model);
  CHECK(unknown.output(0).type() == Type::tensor(DType::kFloat32));
  CHECK(relu.output(0).type() == Type::tensor(DType::kFloat32));
  CHECK(conv.output(0).type() == Type::tensor(DType::kFloat32));
  CHECK(x.type().kind == Type::Kind::kUnknown);
  CHECK(unknown.output(1).type().kind == Type::Kind::kUnknown);
  CHECK(shape.output(0).type().kind == Type::Kind::kUnknown);
}

}  // namespace qprep
