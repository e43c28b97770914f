#include <catch2/catch.hpp>

#include "ir/verify.h"
#include "onnx_io/onnx_file.h"
#include "support/codes.h"
#include "support/fatal.h"
#include "support/onnx_compare.h"
#include "support/proto_models.h"

using namespace qprep;
using namespace qprep::test;
using Texts = std::vector<std::string>;

namespace {

/// x -> Relu -> a -> Abs -> y, with value_info of a.
onnx::ModelProto chain(bool described) {
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  add_input(graph, "x");
  add_output(graph, "y");
  add_node(graph, "Relu", {"x"}, {"a"}, "relu");
  add_node(graph, "Abs", {"a"}, {"y"}, "abs");
  if (described) {
    onnx::ValueInfoProto& info = *graph.add_value_info();
    info.set_name("a");
    set_float_type(info, {2});
    info.set_doc_string("inner");
  }
  return model;
}

onnx::ModelProto written(const OnnxFile& file) {
  CHECK(verify(file.model).empty());
  onnx::ModelProto model = plain_model(serialize_onnx(file));
  read_proto(model);  // what is written can be read
  return model;
}

template <typename Range>
Texts names(const Range& range) {
  Texts found;
  for (const auto& item : range) found.push_back(item.name());
  return found;
}

Node& node_at(OnnxFile& file, std::size_t i) {
  return *std::next(file.model.graph->nodes().begin(), static_cast<std::ptrdiff_t>(i));
}

}  // namespace

TEST_CASE("new nodes and initializers stand where the IR has them") {
  OnnxFile file = read_proto(chain(false));
  Graph& graph = *file.model.graph;
  Node& abs = node_at(file, 1);
  Value& two = graph.new_initializer("two", Tensor::floats({}, {2}));
  Node& mul =
      graph.insert(&abs, {.op = "Mul", .inputs = {abs.input(0), &two}, .outputs = {"scaled"}, .name = "mul"});
  abs.set_input(0, &mul.output(0));

  const onnx::ModelProto model = written(file);
  CHECK(names(model.graph().node()) == Texts{"relu", "mul", "abs"});
  CHECK(model.graph().node(1).input(1) == "two");
  CHECK(model.graph().node(2).input(0) == "scaled");
  REQUIRE(model.graph().initializer_size() == 1);
  CHECK(model.graph().initializer(0).raw_data() == std::string("\0\0\0\x40", 4));
  CHECK(model.graph().value_info_size() == 0);
}

TEST_CASE("a file that describes its values gets entries for new ones, one that does not gets none") {
  for (const bool described : {false, true}) {
    OnnxFile file = read_proto(chain(described));
    Node& abs = node_at(file, 1);
    Node& neg = file.model.graph->insert(&abs, {.op = "Neg", .inputs = {abs.input(0)}, .outputs = {"n"}});
    neg.output(0).set_type(Type::tensor(DType::kFloat32, Shape{{2, ""}}));
    abs.set_input(0, &neg.output(0));
    CHECK(names(written(file).graph().value_info()) == (described ? Texts{"a", "n"} : Texts{}));
  }
}

TEST_CASE("entries follow a renamed value and go with one that is gone") {
  OnnxFile renamed = read_proto(chain(true));
  renamed.model.graph->rename(node_at(renamed, 0).output(0), "b");
  const onnx::ModelProto model = written(renamed);
  CHECK(names(model.graph().value_info()) == Texts{"b"});
  CHECK(model.graph().value_info(0).doc_string() == "inner");
  CHECK(model.graph().node(0).output(0) == "b");
  CHECK(model.graph().node(1).input(0) == "b");

  OnnxFile gone = read_proto(chain(true));
  Node& relu = node_at(gone, 0);
  node_at(gone, 1).set_input(0, relu.input(0));
  gone.model.graph->erase(relu);
  CHECK(written(gone).graph().value_info_size() == 0);
}

TEST_CASE("a redirected output keeps the signature") {
  OnnxFile file = read_proto(chain(true));
  Graph& graph = *file.model.graph;
  Node& neg = graph.insert(nullptr, {.op = "Neg", .inputs = {&node_at(file, 1).output(0)}, .outputs = {"n"}});
  graph.redirect_output(0, neg.output(0));
  const onnx::ModelProto model = written(file);
  CHECK(names(model.graph().output()) == Texts{"y"});
  CHECK(model.graph().node(1).output(0) == "y_float");
  CHECK(model.graph().node(2).output(0) == "y");
}

TEST_CASE("annotations follow their tensors") {
  onnx::ModelProto model = chain(false);
  for (const char* name : {"a", "x"})
    model.mutable_graph()->add_quantization_annotation()->set_tensor_name(name);
  OnnxFile file = read_proto(model);
  file.model.graph->rename(node_at(file, 0).output(0), "b");
  const onnx::ModelProto changed = written(file);
  REQUIRE(changed.graph().quantization_annotation_size() == 2);
  CHECK(changed.graph().quantization_annotation(0).tensor_name() == "b");

  OnnxFile gone = read_proto(model);
  node_at(gone, 1).set_input(0, node_at(gone, 0).input(0));
  gone.model.graph->erase(node_at(gone, 0));
  CHECK(written(gone).graph().quantization_annotation_size() == 1);
}

TEST_CASE("attributes are set, replaced and erased; the others stay as the file has them") {
  onnx::ModelProto model = relu_model();
  onnx::NodeProto& node = *model.mutable_graph()->mutable_node(0);
  add_attribute(node, "kept", onnx::AttributeProto::TYPE_PROTO).mutable_tp()->set_denotation("d");
  onnx::AttributeProto& replaced = add_attribute(node, "replaced", onnx::AttributeProto::INT);
  replaced.set_i(1);
  replaced.set_doc_string("doc");
  add_attribute(node, "erased", onnx::AttributeProto::INT).set_i(1);
  OnnxFile file = read_proto(model);
  Node& read = node_at(file, 0);
  read.erase_attribute("erased");
  read.set_attribute("replaced", std::vector<float>{1, 2});
  read.set_attribute("i", std::int64_t{5});
  read.set_attribute("f", 0.5F);
  read.set_attribute("s", std::string("text"));
  read.set_attribute("t", Tensor::floats({2}, {7, 8}));
  read.set_attribute("ints", std::vector<std::int64_t>{1});
  read.set_attribute("strings", std::vector<std::string>{"a", "b"});

  const onnx::ModelProto changed = written(file);
  const onnx::NodeProto& out = changed.graph().node(0);
  CHECK(names(out.attribute()) == Texts{"kept", "replaced", "f", "i", "ints", "s", "strings", "t"});
  CHECK(out.attribute(0).tp().denotation() == "d");
  CHECK(out.attribute(1).type() == onnx::AttributeProto::FLOATS);
  CHECK(out.attribute(1).floats_size() == 2);
  CHECK_FALSE(out.attribute(1).has_i());
  CHECK(out.attribute(1).doc_string() == "doc");
  CHECK(out.attribute(2).f() == 0.5F);
  CHECK(out.attribute(3).i() == 5);
  CHECK(out.attribute(5).s() == "text");
  CHECK(out.attribute(6).strings(1) == "b");
  CHECK(out.attribute(7).t().raw_data().size() == 8);
}

TEST_CASE("what a pass changes inside a body is written") {
  onnx::ModelProto model = chain(false);
  onnx::NodeProto& node = add_node(*model.mutable_graph(), "If", {"x"}, {"z"}, "if");
  node.mutable_attribute();
  onnx::GraphProto& body = add_body(node, "then_branch");
  body.set_doc_string("body");
  add_node(body, "Neg", {"a"}, {"n"}, "neg").set_doc_string("kept");
  add_output(body, "n");
  OnnxFile file = read_proto(model);
  Graph& graph = *node_at(file, 2).bodies()[0];
  graph.nodes().front().set_op("Floor");
  file.model.graph->rename(node_at(file, 0).output(0), "b");

  const onnx::ModelProto changed = written(file);
  const onnx::GraphProto& out = changed.graph().node(2).attribute(0).g();
  CHECK(out.doc_string() == "body");
  CHECK(out.node(0).op_type() == "Floor");
  CHECK(out.node(0).doc_string() == "kept");
  CHECK(out.node(0).input(0) == "b");
}

TEST_CASE("a changed initializer keeps its documentation, not its old form of data") {
  onnx::ModelProto model = relu_model();
  onnx::TensorProto& w = *model.mutable_graph()->add_initializer();
  w.set_name("w");
  w.set_doc_string("weights");
  w.set_data_type(onnx::TensorProto::FLOAT);
  w.add_dims(2);
  w.add_float_data(1);
  w.add_float_data(2);
  OnnxFile file = read_proto(model);
  Value& value = *file.model.graph->initializers()[0];
  file.model.graph->set_initializer(value, Tensor::of<std::int8_t>(DType::kInt8, {3}, {1, 2, 3}));
  file.model.graph->rename(value, "q");

  const onnx::ModelProto changed = written(file);
  const onnx::TensorProto& out = changed.graph().initializer(0);
  CHECK(out.name() == "q");
  CHECK(out.doc_string() == "weights");
  CHECK(out.data_type() == onnx::TensorProto::INT8);
  CHECK(out.dims(0) == 3);
  CHECK(out.raw_data() == "\1\2\3");
  CHECK(out.float_data_size() == 0);
}

TEST_CASE("strings may move from a constant to an initializer") {
  onnx::ModelProto model = relu_model();
  onnx::NodeProto& node = add_node(*model.mutable_graph(), "Constant", {}, {"c"});
  onnx::TensorProto& strings = *add_attribute(node, "value", onnx::AttributeProto::TENSOR).mutable_t();
  strings.set_data_type(onnx::TensorProto::STRING);
  strings.add_dims(1);
  strings.add_string_data("text");
  OnnxFile file = read_proto(model);
  file.model.graph->new_initializer("moved", *constant_of(node_at(file, 1).output(0)));
  const onnx::ModelProto changed = written(file);
  CHECK(changed.graph().initializer(0).string_data(0) == "text");
}

TEST_CASE("below IR 4 a new initializer is an input too") {
  for (const std::int64_t ir : {3, 4}) {
    onnx::ModelProto model = relu_model();
    model.set_ir_version(ir);
    OnnxFile file = read_proto(model);
    file.model.graph->new_initializer("w", Tensor::floats({2}, {1, 2}));
    const onnx::ModelProto changed = written(file);
    CHECK(names(changed.graph().input()) == (ir < 4 ? Texts{"x", "w"} : Texts{"x"}));
  }
}

TEST_CASE("a dropped input is gone from the file, an erased initializer too") {
  onnx::ModelProto model = relu_model();
  model.set_ir_version(3);
  for (const char* name : {"w", "v"}) {
    add_input(*model.mutable_graph(), name);
    add_floats(*model.mutable_graph(), name, {2}, {1, 2});
  }
  OnnxFile file = read_proto(model);
  file.model.ir_version = 8;
  file.model.graph->drop_input(*file.model.graph->inputs()[1]);
  file.model.graph->erase_initializers({file.model.graph->initializers()[1]});
  const onnx::ModelProto changed = written(file);
  CHECK(changed.ir_version() == 8);
  CHECK(names(changed.graph().input()) == Texts{"x", "v"});
  CHECK(names(changed.graph().initializer()) == Texts{"w"});
}

TEST_CASE("operator sets and metadata are written where they changed") {
  onnx::ModelProto model = relu_model();
  onnx::OperatorSetIdProto& custom = *model.add_opset_import();
  custom.set_domain("custom");
  custom.set_version(3);
  onnx::StringStringEntryProto& entry = *model.add_metadata_props();
  entry.set_key("k");
  entry.set_value("old");
  OnnxFile file = read_proto(model);
  file.model.opsets[""] = 20;
  file.model.opsets.erase("custom");
  file.model.opsets["qprep"] = 1;
  file.model.added_metadata = {{"k", "new"}, {"l", "more"}};
  const onnx::ModelProto changed = written(file);
  REQUIRE(changed.opset_import_size() == 2);
  CHECK(changed.opset_import(0).version() == 20);
  CHECK(changed.opset_import(1).domain() == "qprep");
  REQUIRE(changed.metadata_props_size() == 2);
  CHECK(changed.metadata_props(0).value() == "new");
  CHECK(changed.metadata_props(1).key() == "l");
}

TEST_CASE("functions are added, changed and dropped") {
  onnx::ModelProto model = relu_model();
  onnx::FunctionProto& function = *model.add_functions();
  function.set_name("F");
  function.set_domain("local");
  function.add_input("a");
  function.add_output("b");
  function.set_doc_string("kept");
  add_node(function, "Relu", {"a"}, {"b"});
  OnnxFile file = read_proto(model);
  file.model.functions[0].body->nodes().front().set_op("Abs");
  Function made;
  made.name = "G";
  made.domain = "qprep";
  made.attributes = {"low"};
  made.opsets = {{"", 17}};
  made.body = std::make_unique<Graph>(*file.model.names, nullptr);
  Value& x = made.body->add_input("x", {});
  Node& node = made.body->add_node("Constant", "", "", "", kNoOrigin);
  node.add_attribute({"value", Tensor(), "low", false});
  made.body->add_output(node.add_output("y"));
  made.body->add_output(x);
  file.model.functions.push_back(std::move(made));

  const onnx::ModelProto changed = written(file);
  REQUIRE(changed.functions_size() == 2);
  CHECK(changed.functions(0).doc_string() == "kept");
  CHECK(changed.functions(0).node(0).op_type() == "Abs");
  const onnx::FunctionProto& added = changed.functions(1);
  CHECK(added.name() == "G");
  CHECK(added.input(0) == "x");
  CHECK(added.output_size() == 2);
  CHECK(added.attribute(0) == "low");
  CHECK(added.opset_import(0).version() == 17);
  CHECK(added.node(0).attribute(0).ref_attr_name() == "low");
  CHECK(added.node(0).attribute(0).type() == onnx::AttributeProto::TENSOR);
  CHECK_FALSE(added.node(0).attribute(0).has_t());

  file.model.functions.clear();
  CHECK(written(file).functions_size() == 0);
}

TEST_CASE("a model that was built in memory is written whole") {
  OnnxFile file;
  file.model.opsets = {{"", 17}};
  Graph& graph = *file.model.graph;
  Value& x = graph.add_input("x", Type::tensor(DType::kFloat32, Shape{{-1, "N"}, {2, ""}, {}}));
  Value& w = graph.add_initializer("w", Tensor::floats({2}, {1, 2}));
  Node& mul = graph.insert(nullptr, {.op = "Mul", .inputs = {&x, &w}, .outputs = {"m"}});
  mul.output(0).set_type(Type::tensor(DType::kFloat32));
  Node& relu = graph.insert(nullptr, {.op = "Relu", .inputs = {&mul.output(0)}, .outputs = {"y"}});
  graph.add_output(relu.output(0));

  const onnx::ModelProto model = written(file);
  CHECK(model.graph().name() == "graph");
  CHECK(model.opset_import(0).version() == 17);
  const auto& shape = model.graph().input(0).type().tensor_type().shape();
  REQUIRE(shape.dim_size() == 3);
  CHECK(shape.dim(0).dim_param() == "N");
  CHECK(shape.dim(1).dim_value() == 2);
  CHECK_FALSE((shape.dim(2).has_dim_value() || shape.dim(2).has_dim_param()));
  CHECK(names(model.graph().value_info()) == Texts{"m"});
  CHECK(names(model.graph().output()) == Texts{"y"});
}

TEST_CASE("the same model gives the same bytes") {
  const std::string bytes = chain(true).SerializeAsString();
  CHECK(serialize_onnx(read_bytes(bytes)) == serialize_onnx(read_bytes(bytes)));
}
