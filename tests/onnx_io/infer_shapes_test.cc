#include "onnx_io/infer_shapes.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "ir/verify.h"
#include "onnx_io/inference_limits.h"
#include "support/codes.h"
#include "support/onnx_compare.h"
#include "support/proto_models.h"

using namespace qprep;
using namespace qprep::test;

namespace {

struct Inferred {
  explicit Inferred(const onnx::ModelProto& model) : file(read_proto(model)) {
    infer_shapes(file, diagnostics);
    CHECK(verify(file.model).empty());
    CHECK(difference(model, plain_model(serialize_onnx(file))).empty());
    for (const Diagnostic& diagnostic : diagnostics.all()) {
      CHECK(diagnostic.code == codes::kShapeInference);
      CHECK(diagnostic.severity == Severity::kNote);
    }
  }
  /// The type of the first output of node `i` of the graph.
  std::string type(std::size_t i) const { return type(*file.model.graph, i); }
  static std::string type(const Graph& graph, std::size_t i) {
    return to_text(std::next(graph.nodes().begin(), static_cast<std::ptrdiff_t>(i))->output(0).type());
  }
  OnnxFile file;
  Diagnostics diagnostics;
};

onnx::FunctionProto& add_function(onnx::ModelProto& model, const std::string& name) {
  onnx::FunctionProto& function = *model.add_functions();
  function.set_name(name);
  function.set_domain("local");
  function.add_input("a");
  function.add_output("b");
  *function.add_opset_import() = model.opset_import(0);
  onnx::OperatorSetIdProto& local = *function.add_opset_import();
  local.set_domain("local");
  local.set_version(1);
  return function;
}

void import_local(onnx::ModelProto& model) {
  onnx::OperatorSetIdProto& local = *model.add_opset_import();
  local.set_domain("local");
  local.set_version(1);
}

}  // namespace

TEST_CASE("inner values get their types, without their entries in the file") {
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  add_input(graph, "x", {4, 3});
  add_floats(graph, "w", {3, 5000}, std::vector<float>(15000, 1));  // large: inference sees only its dims
  add_node(graph, "MatMul", {"x", "w"}, {"m"});
  add_node(graph, "Relu", {"m"}, {"y"});
  add_output(graph, "y", {4, 5000});
  const Inferred inferred(model);
  CHECK(inferred.type(0) == "float32[4,5000]");
  CHECK(inferred.diagnostics.all().empty());
}

TEST_CASE("shapes that the model computes are followed") {
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  onnx::ValueInfoProto& x = add_input(graph, "x", {4});
  x.mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_param("N");
  add_int64s(graph, "minus_one", {-1});
  add_int64s(graph, "two", {2});
  add_node(graph, "Shape", {"x"}, {"shape"});
  add_int64s(graph, "zero", {0});
  add_node(graph, "Gather", {"shape", "zero"}, {"first"});
  add_node(graph, "Mul", {"first", "two"}, {"double"});
  add_node(graph, "Concat", {"double", "minus_one"}, {"target"});
  add_attribute(*graph.mutable_node(3), "axis", onnx::AttributeProto::INT).set_i(0);
  add_node(graph, "Reshape", {"x", "target"}, {"y"});
  const std::string type = Inferred(model).type(4);
  CHECK(type.starts_with("float32[8,"));
}

TEST_CASE("bodies get types, from what they read outside too") {
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  add_input(graph, "x", {4, 3});
  onnx::ValueInfoProto& condition = add_input(graph, "c", {});
  condition.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::BOOL);
  onnx::NodeProto& node = add_node(graph, "If", {"c"}, {"y"});
  for (const char* branch : {"then_branch", "else_branch"}) {
    onnx::GraphProto& body = add_body(node, branch);
    add_node(body, "Transpose", {"x"}, {"t"});
    body.add_output()->set_name("t");
  }
  const Inferred inferred(model);
  CHECK(inferred.type(0) == "float32[3,4]");
  const Node& read = inferred.file.model.graph->nodes().front();
  for (const Graph* body : read.bodies()) CHECK(Inferred::type(*body, 0) == "float32[3,4]");
}

TEST_CASE("calls of model-local functions get types") {
  onnx::ModelProto model = new_model();
  import_local(model);
  add_node(add_function(model, "F"), "Transpose", {"a"}, {"b"});
  add_input(*model.mutable_graph(), "x", {4, 3});
  add_node(*model.mutable_graph(), "F", {"x"}, {"y"}).set_domain("local");
  CHECK(Inferred(model).type(0) == "float32[3,4]");
}

TEST_CASE("operators that nobody knows, and domains that nobody imports, do not stop inference") {
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  add_input(graph, "x", {4, 3});
  add_node(graph, "Unheard", {"x"}, {"u"}).set_domain("of");
  add_node(graph, "Unheard", {"u"}, {"v"});
  add_node(graph, "Relu", {"x"}, {"y"});
  const Inferred inferred(model);
  CHECK(inferred.type(0) == "?");
  CHECK(inferred.type(2) == "float32[4,3]");
}

TEST_CASE("below IR 4, initializers that are no inputs have types too") {
  onnx::ModelProto model = new_model();
  model.set_ir_version(3);
  add_floats(*model.mutable_graph(), "w", {7}, std::vector<float>(7, 1));
  add_node(*model.mutable_graph(), "Relu", {"w"}, {"y"});
  CHECK(Inferred(model).type(0) == "float32[7]");
}

TEST_CASE("a contradiction is a note, and the model goes on") {
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  add_input(graph, "x", {4, 3});
  add_node(graph, "Relu", {"x"}, {"before"});
  add_node(graph, "If", {"x"}, {"y"});  // without its bodies
  add_output(graph, "y", {4, 4});
  const Inferred inferred(model);
  CHECK(inferred.type(0) == "float32[4,3]");

  onnx::ModelProto wrong = relu_model();
  wrong.mutable_graph()->clear_output();
  add_output(*wrong.mutable_graph(), "y", {1, 2, 3});
  CHECK(Inferred(wrong).type(0) == "float32[1,2,3]");
}

TEST_CASE("functions that call themselves, or are defined twice, are left out with a note") {
  onnx::ModelProto cycle = relu_model();
  import_local(cycle);
  add_node(add_function(cycle, "F"), "G", {"a"}, {"b"}).set_domain("local");
  add_node(add_function(cycle, "G"), "F", {"a"}, {"b"}).set_domain("local");
  CHECK_FALSE(inference_scope(read_proto(cycle).model).functions);
  const Inferred inferred(cycle);
  CHECK(inferred.diagnostics.all().size() == 1);
  CHECK(inferred.type(0) == "float32[2]");

  onnx::ModelProto twice = relu_model();
  import_local(twice);
  for (int i = 0; i < 2; ++i) add_node(add_function(twice, "F"), "Relu", {"a"}, {"b"});
  CHECK(Inferred(twice).type(0) == "float32[2]");
}

TEST_CASE("functions that would expand to a trillion nodes do not") {
  onnx::ModelProto model = relu_model();
  import_local(model);
  for (int i = 0; i < 40; ++i) {
    onnx::FunctionProto& function = add_function(model, "F" + std::to_string(i));
    const std::string next = "F" + std::to_string(i + 1);
    add_node(function, next, {"a"}, {"t"}).set_domain("local");
    add_node(function, next, {"t"}, {"b"}).set_domain("local");
  }
  add_node(add_function(model, "F40"), "Relu", {"a"}, {"b"});
  add_node(*model.mutable_graph(), "F0", {"x"}, {"z"}).set_domain("local");
  CHECK(Inferred(model).type(0) == "float32[2]");
}

// Without a bound, the contents of the following would fill the memory.

TEST_CASE("the contents of a shape that doubles forty times are not followed") {
  for (const std::string first : {"s", "f"}) {
    onnx::ModelProto model = relu_model();
    onnx::GraphProto& graph = *model.mutable_graph();
    add_int64s(graph, "s0", {1, 2, 3});
    add_floats(graph, "f0", {3}, {1, 2, 3});
    for (int i = 0; i < 40; ++i) {
      const std::string from = first + std::to_string(i);
      onnx::NodeProto& node = add_node(graph, "Concat", {from, from}, {first + std::to_string(i + 1)});
      add_attribute(node, "axis", onnx::AttributeProto::INT).set_i(0);
    }
    CHECK(Inferred(model).type(0) == "float32[2]");
    CHECK(Inferred(model).type(40).ends_with(fmt::format("[{}]", std::int64_t{3} << 40)));
  }
}

TEST_CASE("a shape that doubles forty times in functions is not followed") {
  onnx::ModelProto model = relu_model();
  import_local(model);
  for (int i = 0; i < 40; ++i) {
    onnx::NodeProto& node =
        add_node(add_function(model, "F" + std::to_string(i)), "Concat", {"a", "a"}, {"b"});
    add_attribute(node, "axis", onnx::AttributeProto::INT).set_i(0);
  }
  add_int64s(*model.mutable_graph(), "s0", {1, 2, 3});
  for (int i = 0; i < 40; ++i) {
    const std::string number = std::to_string(i);
    add_node(*model.mutable_graph(), "F" + number, {"s" + number}, {"s" + std::to_string(i + 1)})
        .set_domain("local");
  }
  CHECK(Inferred(model).type(0) == "float32[2]");
}

TEST_CASE("a long tensor of one axis is no shape") {
  onnx::ModelProto model = new_model();
  add_input(*model.mutable_graph(), "x", {std::int64_t{1} << 40});
  add_node(*model.mutable_graph(), "Add", {"x", "x"}, {"y"});
  add_node(*model.mutable_graph(), "Neg", {"y"}, {"z"});
  CHECK(Inferred(model).type(1) == "float32[1099511627776]");
}

TEST_CASE("a type that nests ten thousand deep is not made") {
  onnx::ModelProto model = relu_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  for (int i = 0; i < 10'000; ++i) {
    add_node(graph, "SequenceConstruct", {i == 0 ? "x" : "q" + std::to_string(i - 1)},
             {"q" + std::to_string(i)});
  }
  CHECK_FALSE(inference_scope(read_proto(model).model).any);
  CHECK(Inferred(model).diagnostics.all().size() == 1);
}

TEST_CASE("many bodies in a large graph are left out with a note") {
  onnx::ModelProto model = relu_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  for (int i = 0; i < 5000; ++i) {
    const std::string number = std::to_string(i);
    onnx::NodeProto& node = add_node(graph, "If", {"x"}, {"i" + number});
    onnx::GraphProto& body = add_body(node, "then_branch");
    add_node(body, "Relu", {"x"}, {"r"});
    body.add_output()->set_name("r");
  }
  CHECK_FALSE(inference_scope(read_proto(model).model).bodies);
  CHECK(Inferred(model).type(0) == "float32[2]");
}

TEST_CASE("however many weights there are, shapes are followed") {
  onnx::ModelProto model = relu_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  add_floats(graph, "w", {100'000}, std::vector<float>(100'000, 1));
  for (int i = 0; i < 100; ++i) {
    add_node(graph, "Mul", {i == 0 ? "x" : "m" + std::to_string(i - 1), "w"}, {"m" + std::to_string(i)});
  }
  add_node(graph, "Shape", {"x"}, {"s"});
  add_node(graph, "ConstantOfShape", {"s"}, {"zeros"});
  CHECK(Inferred(model).type(102) == "float32[2]");
}
