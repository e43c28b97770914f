#include <catch2/catch.hpp>
#include <google/protobuf/unknown_field_set.h>

#include "ir/verify.h"
#include "onnx_io/infer_shapes.h"
#include "onnx_io/onnx_file.h"
#include "support/onnx_compare.h"
#include "support/proto_models.h"

using namespace qprep;
using namespace qprep::test;

namespace {

/// One field of each kind that no version of ONNX knows.
template <typename Message>
void add_unknown(Message& message) {
  google::protobuf::UnknownFieldSet& fields = *message.GetReflection()->MutableUnknownFields(&message);
  fields.AddVarint(9001, 42);
  fields.AddFixed32(9002, 43);
  fields.AddFixed64(9003, 44);
  fields.AddLengthDelimited(9004, "nobody knows");
}

/// Everything that a model can say which the IR does not.
onnx::ModelProto full_model() {
  onnx::ModelProto model = relu_model();
  model.set_producer_name("");
  model.set_producer_version("1");
  model.set_domain("domain");
  model.set_model_version(-5);
  model.set_doc_string("what it is for");
  onnx::StringStringEntryProto& property = *model.add_metadata_props();
  property.set_key("k");
  property.set_value("v");
  onnx::DeviceConfigurationProto& configuration = *model.add_configuration();
  configuration.set_name("two");
  configuration.add_device("a");
  add_unknown(model);
  add_unknown(*model.mutable_opset_import(0));

  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_doc_string("");
  *graph.add_metadata_props() = property;
  add_unknown(graph);
  onnx::ValueInfoProto& x = *graph.mutable_input(0);
  x.set_doc_string("the input");
  x.mutable_type()->set_denotation("IMAGE");
  add_unknown(x);
  add_unknown(*x.mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0));

  onnx::NodeProto& relu = *graph.mutable_node(0);
  relu.set_doc_string("clips");
  relu.set_domain("");
  relu.set_overload("");
  *relu.add_metadata_props() = property;
  onnx::NodeDeviceConfigurationProto& placed = *relu.add_device_configurations();
  placed.set_configuration_id("two");
  placed.add_sharding_spec()->set_tensor_name("x");
  add_unknown(relu);
  onnx::AttributeProto& attribute = add_attribute(relu, "later", onnx::AttributeProto::INT);
  attribute.set_i(1);
  attribute.set_f(2);  // of no meaning beside i, but there
  attribute.set_doc_string("for later");
  add_unknown(attribute);

  onnx::TensorProto& w = add_floats(graph, "w", {2}, {1, 2});
  w.set_doc_string("weights");
  *w.add_metadata_props() = property;
  add_unknown(w);
  onnx::SparseTensorProto& sparse = *graph.add_sparse_initializer();
  set_floats(*sparse.mutable_values(), {1}, {2});
  sparse.mutable_values()->set_name("s");
  sparse.mutable_indices()->set_data_type(onnx::TensorProto::INT64);
  sparse.mutable_indices()->add_dims(1);
  sparse.mutable_indices()->add_int64_data(3);
  sparse.add_dims(5);
  add_unknown(sparse);

  onnx::ValueInfoProto& about_nothing = *graph.add_value_info();
  about_nothing.set_name("there is no such value");
  onnx::TensorAnnotation& annotation = *graph.add_quantization_annotation();
  annotation.set_tensor_name("y");
  annotation.add_quant_parameter_tensor_names()->set_key("SCALE_TENSOR");

  onnx::TrainingInfoProto& training = *model.add_training_info();
  add_floats(*training.mutable_initialization(), "t", {1}, {9});
  add_node(*training.mutable_algorithm(), "Adam", {"unresolved"}, {"u"});
  training.add_update_binding()->set_key("w");
  return model;
}

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
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  onnx::ValueInfoProto& sequence = *graph.add_input();
  sequence.set_name("sequence");
  sequence.mutable_type()->mutable_sequence_type()->mutable_elem_type()->mutable_tensor_type()->set_elem_type(
      1);
  onnx::ValueInfoProto& map = *graph.add_input();
  map.set_name("map");
  map.mutable_type()->mutable_map_type()->set_key_type(onnx::TensorProto::STRING);
  map.mutable_type()->mutable_map_type()->mutable_value_type()->mutable_tensor_type()->set_elem_type(1);
  onnx::ValueInfoProto& optional = *graph.add_input();
  optional.set_name("optional");
  optional.mutable_type()->mutable_optional_type()->mutable_elem_type()->mutable_tensor_type();
  onnx::ValueInfoProto& opaque = *graph.add_input();
  opaque.set_name("opaque");
  opaque.mutable_type()->mutable_opaque_type()->set_name("o");
  onnx::ValueInfoProto& untyped = *graph.add_input();
  untyped.set_name("untyped");
  *graph.add_output() = sequence;
  check_lossless(model);

  const OnnxFile file = read_proto(model);
  const auto inputs = file.model.graph->inputs();
  for (std::size_t i = 0; i < 4; ++i) CHECK(inputs[i]->type().kind == Type::Kind::kOther);
  CHECK(inputs[4]->type().kind == Type::Kind::kUnknown);
}

TEST_CASE("attributes of every kind pass through") {
  onnx::ModelProto model = relu_model();
  onnx::NodeProto& node = *model.mutable_graph()->mutable_node(0);
  using P = onnx::AttributeProto;
  add_attribute(node, "f", P::FLOAT).set_f(1);
  add_attribute(node, "unset", P::FLOAT);
  add_attribute(node, "i", P::INT).set_i(2);
  add_attribute(node, "s", P::STRING).set_s(std::string("a\0b", 3));
  set_floats(*add_attribute(node, "t", P::TENSOR).mutable_t(), {1}, {3});
  add_attribute(node, "no tensor", P::TENSOR);
  add_attribute(node, "no graph", P::GRAPH);
  add_body(node, "g");
  add_attribute(node, "sparse", P::SPARSE_TENSOR).mutable_sparse_tensor()->add_dims(3);
  add_attribute(node, "type", P::TYPE_PROTO).mutable_tp()->mutable_tensor_type();
  add_attribute(node, "floats", P::FLOATS).add_floats(1);
  add_attribute(node, "no floats", P::FLOATS);
  add_attribute(node, "ints", P::INTS).add_ints(1);
  add_attribute(node, "strings", P::STRINGS).add_strings("");
  set_floats(*add_attribute(node, "tensors", P::TENSORS).add_tensors(), {1}, {3});
  add_attribute(node, "graphs", P::GRAPHS).add_graphs()->set_doc_string("a body");
  add_attribute(node, "sparses", P::SPARSE_TENSORS).add_sparse_tensors()->mutable_values()->set_raw_data("1");
  add_attribute(node, "types", P::TYPE_PROTOS).add_type_protos();
  check_lossless(model);
}

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
