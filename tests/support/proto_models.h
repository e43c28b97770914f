#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <onnx/onnx_pb.h>
#include <string>
#include <string_view>
#include <vector>

#include "onnx_io/onnx_file.h"

/// Models for tests, as protobuf messages: what the IR cannot say can stand in them too.
namespace qprep::test {

using Strings = std::initializer_list<std::string>;

/// An empty model: IR 8, opset 17, a graph named "g".
inline onnx::ModelProto new_model() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  onnx::OperatorSetIdProto& opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(17);
  model.mutable_graph()->set_name("g");
  return model;
}

/// Nodes of a graph or a function.
template <typename Holder>
onnx::NodeProto& add_node(Holder& holder, const std::string& op, Strings inputs, Strings outputs,
                          const std::string& name = "") {
  onnx::NodeProto& node = *holder.add_node();
  node.set_op_type(op);
  for (const std::string& input : inputs) node.add_input(input);
  for (const std::string& output : outputs) node.add_output(output);
  if (!name.empty()) node.set_name(name);
  return node;
}

inline void set_float_type(onnx::ValueInfoProto& info, std::initializer_list<std::int64_t> dims) {
  onnx::TypeProto::Tensor& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(onnx::TensorProto::FLOAT);
  tensor.mutable_shape();
  for (const std::int64_t dim : dims) tensor.mutable_shape()->add_dim()->set_dim_value(dim);
}

inline onnx::ValueInfoProto& add_input(onnx::GraphProto& graph, const std::string& name,
                                       std::initializer_list<std::int64_t> dims = {2}) {
  onnx::ValueInfoProto& info = *graph.add_input();
  info.set_name(name);
  set_float_type(info, dims);
  return info;
}

inline onnx::ValueInfoProto& add_output(onnx::GraphProto& graph, const std::string& name,
                                        std::initializer_list<std::int64_t> dims = {2}) {
  onnx::ValueInfoProto& info = *graph.add_output();
  info.set_name(name);
  set_float_type(info, dims);
  return info;
}

inline void set_floats(onnx::TensorProto& tensor, std::initializer_list<std::int64_t> dims,
                       const std::vector<float>& values) {
  for (const std::int64_t dim : dims) tensor.add_dims(dim);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  tensor.set_raw_data(values.data(), values.size() * sizeof(float));
}

inline onnx::TensorProto& add_floats(onnx::GraphProto& graph, const std::string& name,
                                     std::initializer_list<std::int64_t> dims,
                                     const std::vector<float>& values) {
  onnx::TensorProto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  set_floats(tensor, dims, values);
  return tensor;
}

inline onnx::TensorProto& add_int64s(onnx::GraphProto& graph, const std::string& name,
                                     const std::vector<std::int64_t>& values) {
  onnx::TensorProto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.add_dims(static_cast<std::int64_t>(values.size()));
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.set_raw_data(values.data(), values.size() * sizeof(std::int64_t));
  return tensor;
}

inline onnx::AttributeProto& add_attribute(onnx::NodeProto& node, const std::string& name,
                                           onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

inline onnx::GraphProto& add_body(onnx::NodeProto& node, const std::string& attribute) {
  onnx::GraphProto& body = *add_attribute(node, attribute, onnx::AttributeProto::GRAPH).mutable_g();
  body.set_name(attribute);
  return body;
}

inline void add_entry(onnx::TensorProto& tensor, const std::string& key, const std::string& value) {
  onnx::StringStringEntryProto& entry = *tensor.add_external_data();
  entry.set_key(key);
  entry.set_value(value);
}

/// x -> Relu -> y
inline onnx::ModelProto relu_model() {
  onnx::ModelProto model = new_model();
  add_input(*model.mutable_graph(), "x");
  add_output(*model.mutable_graph(), "y");
  add_node(*model.mutable_graph(), "Relu", {"x"}, {"y"}, "relu");
  return model;
}

/// What parse_onnx makes of the bytes. Given: they are a model without external data.
inline OnnxFile read_bytes(std::string bytes, Diagnostics& diagnostics) {
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  return parse_onnx(std::as_bytes(std::span(*owner)), owner, "test.onnx", diagnostics);
}

inline OnnxFile read_bytes(std::string bytes) {
  Diagnostics diagnostics;
  return read_bytes(std::move(bytes), diagnostics);
}

inline OnnxFile read_proto(const onnx::ModelProto& model) { return read_bytes(model.SerializeAsString()); }

}  // namespace qprep::test
