#include <catch2/catch.hpp>

#include "ir/verify.h"
#include "onnx_io/infer_shapes.h"
#include "onnx_io/onnx_file.h"
#include "support/onnx_compare.h"
#include "support/sample_models.h"

using namespace qprep;
using namespace qprep::test;

namespace {

void check_lossless(const onnx::ModelProto& model) {
  OnnxFile file = read_proto(model);
  CHECK(verify(file.model).empty());
  CHECK(difference(model, plain_model(serialize_onnx(file))).empty());
  Diagnostics diagnostics;
  infer_shapes(file, diagnostics);
  CHECK(difference(model, plain_model(serialize_onnx(file))).empty());
}

}  // namespace

TEST_CASE("an untouched model is written with every field it came with") { check_lossless(full_model()); }

TEST_CASE("what a changed model does not change stays") {
  const onnx::ModelProto model = full_model();
  OnnxFile file = read_proto(model);
  file.model.graph->set_initializer(*file.model.graph->initializers()[0], Tensor::floats({2}, {3, 4}));
  file.model.graph->nodes().front().set_op("LeakyRelu");
  file.model.graph->nodes().front().set_attribute("alpha", 0.5F);

  onnx::ModelProto expected = model;
  set_floats(*expected.mutable_graph()->mutable_initializer(0), {}, {3, 4});
  expected.mutable_graph()->mutable_node(0)->set_op_type("LeakyRelu");
  add_attribute(*expected.mutable_graph()->mutable_node(0), "alpha", onnx::AttributeProto::FLOAT).set_f(0.5F);
  CHECK(difference(expected, plain_model(serialize_onnx(file))).empty());
}

TEST_CASE("values that are no tensors keep their types") {
  check_lossless(types_model());
  const OnnxFile file = read_proto(types_model());
  const auto inputs = file.model.graph->inputs();
  for (std::size_t i = 0; i < 4; ++i) CHECK(inputs[i]->type().kind == Type::Kind::kOther);
  CHECK(inputs[4]->type().kind == Type::Kind::kUnknown);
}

TEST_CASE("attributes of every kind pass through") { check_lossless(attributes_model()); }

TEST_CASE("a sparse initializer is a value without a payload") {
  const OnnxFile file = read_proto(full_model());
  const Value& sparse = *file.model.graph->initializers()[1];
  CHECK(sparse.name() == "s");
  CHECK(sparse.initializer()->dtype() == DType::kUndefined);
  CHECK(sparse.initializer()->dims() == Dims{5});
  CHECK(sparse.type().kind == Type::Kind::kOther);
}

TEST_CASE("empty operators, omitted inputs and outputs at any place pass through") {
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  add_input(graph, "x");
  add_node(graph, "Loop", {"", "x", ""}, {"", "a", ""});
  add_node(graph, "Nothing", {}, {});
  add_node(graph, "", {"x"}, {"b"});
  graph.add_node();
  check_lossless(model);
}
