#pragma once

#include <google/protobuf/unknown_field_set.h>

#include "support/proto_models.h"

/// Small models that together say everything a model can: the tests of losslessness write them, the fuzzer
/// starts from them.
namespace qprep::test {

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
inline onnx::ModelProto full_model() {
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

/// Attributes of every kind, with and without a value.
inline onnx::ModelProto attributes_model() {
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
  return model;
}

/// Inputs of every kind of type.
inline onnx::ModelProto types_model() {
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
  return model;
}

/// Bodies in bodies that read what is around them, hide it, or return it.
inline onnx::ModelProto bodies_model() {
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  add_input(graph, "x");
  add_output(graph, "y");
  add_floats(graph, "w", {2}, {1, 2});
  onnx::NodeProto& outer = add_node(graph, "If", {"x"}, {"y"}, "outer");
  onnx::GraphProto& then_branch = add_body(outer, "then_branch");
  onnx::NodeProto& inner = add_node(then_branch, "If", {"x"}, {"r"}, "inner");
  onnx::GraphProto& deep = add_body(inner, "then_branch");
  add_node(deep, "Mul", {"x", "w"}, {"m"}, "deep");
  add_output(deep, "m");
  add_output(then_branch, "r");
  onnx::GraphProto& else_branch = add_body(outer, "else_branch");
  add_floats(else_branch, "w", {2}, {3, 4});  // hides the outer one
  add_node(else_branch, "Mul", {"x", "w"}, {"r"}, "hiding");
  add_output(else_branch, "x");
  return model;
}

/// A function with a referenced attribute, one with a default, a call, and IR 3's inputs that are
/// initializers.
inline onnx::ModelProto function_model() {
  onnx::ModelProto model = relu_model();
  model.set_ir_version(3);
  add_input(*model.mutable_graph(), "w");
  add_floats(*model.mutable_graph(), "w", {2}, {1, 2});
  onnx::FunctionProto& function = *model.add_functions();
  function.set_name("F");
  function.set_domain("local");
  function.set_overload("o");
  function.add_input("a");
  function.add_output("b");
  function.add_attribute("alpha");
  onnx::AttributeProto& fallback = *function.add_attribute_proto();
  fallback.set_name("beta");
  fallback.set_type(onnx::AttributeProto::FLOAT);
  fallback.set_f(2);
  *function.add_opset_import() = model.opset_import(0);
  onnx::NodeProto& node = add_node(function, "LeakyRelu", {"a"}, {"b"}, "leaky");
  add_attribute(node, "alpha", onnx::AttributeProto::FLOAT).set_ref_attr_name("alpha");
  onnx::NodeProto& call = add_node(*model.mutable_graph(), "F", {"y"}, {"z"});
  call.set_domain("local");
  call.set_overload("o");
  return model;
}

/// Tensors in every typed field, strings, and nodes out of order.
inline onnx::ModelProto tensors_model() {
  onnx::ModelProto model = new_model();
  onnx::GraphProto& graph = *model.mutable_graph();
  add_input(graph, "x");
  add_node(graph, "Abs", {"late"}, {"y"});
  add_node(graph, "Relu", {"x"}, {"late"});
  using P = onnx::TensorProto;
  const auto add = [&](P::DataType type, std::int64_t count) -> P& {
    P& tensor = *graph.add_initializer();
    tensor.set_name("t" + std::to_string(graph.initializer_size()));
    tensor.set_data_type(type);
    tensor.add_dims(count);
    return tensor;
  };
  add(P::FLOAT, 1).add_float_data(1.5F);
  add(P::DOUBLE, 1).add_double_data(2.5);
  add(P::INT64, 1).add_int64_data(-3);
  add(P::UINT64, 1).add_uint64_data(4);
  add(P::UINT32, 1).add_uint64_data(5);
  add(P::INT32, 1).add_int32_data(-6);
  add(P::FLOAT16, 1).add_int32_data(0x3c00);
  add(P::BOOL, 1).add_int32_data(1);
  add(P::INT4, 2).add_int32_data(0x21);
  add(P::STRING, 1).add_string_data("text");
  add(P::FLOAT, 0);
  return model;
}

inline std::vector<onnx::ModelProto> sample_models() {
  return {relu_model(),   full_model(),     attributes_model(), types_model(),
          bodies_model(), function_model(), tensors_model()};
}

}  // namespace qprep::test
