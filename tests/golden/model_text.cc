#include "model_text.h"

#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "onnx/defs/parser.h"
#include "onnx_io/infer_shapes.h"

namespace qprep::golden {
namespace {

using Ranges = std::map<std::string, std::pair<double, double>>;

Ranges parse_ranges(const std::string& text) {
  Ranges ranges;
  std::istringstream lines(text);
  std::string name;
  double low = 0;
  double high = 0;
  while (lines >> name) {
    if (!(lines >> low >> high)) throw std::runtime_error("fill: not 'name low high' at '" + name + "'");
    ranges[name] = {low, high};
  }
  return ranges;
}

/// SplitMix64, so that the numbers are the same on every machine; a multiple of 2^-24 in [0, 1).
double spread(const std::string& name, std::uint64_t index) {
  std::uint64_t z = index * 0x9e3779b97f4a7c15ULL;
  for (const char c : name) z = (z ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return static_cast<double>((z ^ (z >> 31)) >> 40) / static_cast<double>(1 << 24);
}

onnx::TensorProto filled(const onnx::ValueInfoProto& info, const Ranges& ranges) {
  onnx::TensorProto tensor;
  tensor.set_name(info.name());
  const auto& type = info.type().tensor_type();
  tensor.set_data_type(type.elem_type());
  std::int64_t count = 1;
  for (const auto& dim : type.shape().dim()) {
    if (!dim.has_dim_value()) throw std::runtime_error("'" + info.name() + "' has a size that is no number");
    tensor.add_dims(dim.dim_value());
    count *= dim.dim_value();
  }
  const auto range = ranges.find(info.name());
  const auto [low, high] = range == ranges.end() ? std::pair(-1.0, 1.0) : range->second;
  for (std::int64_t i = 0; i < count; ++i) {
    const double value = low + (high - low) * spread(info.name(), static_cast<std::uint64_t>(i));
    if (type.elem_type() == onnx::TensorProto::FLOAT) {
      tensor.add_float_data(static_cast<float>(value));
    } else if (type.elem_type() == onnx::TensorProto::DOUBLE) {
      tensor.add_double_data(value);
    } else {
      throw std::runtime_error("'" + info.name() + "' is of a type that needs its data written out");
    }
  }
  return tensor;
}

void fill_declared(onnx::GraphProto& graph, const Ranges& ranges) {
  std::set<std::string> defined;
  for (const auto& input : graph.input()) defined.insert(input.name());
  for (const auto& output : graph.output()) defined.insert(output.name());
  for (const auto& tensor : graph.initializer()) defined.insert(tensor.name());
  for (auto& node : *graph.mutable_node()) {
    defined.insert(node.output().begin(), node.output().end());
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) fill_declared(*attribute.mutable_g(), ranges);
    }
  }
  google::protobuf::RepeatedPtrField<onnx::ValueInfoProto> types;
  for (const auto& info : graph.value_info()) {
    if (defined.contains(info.name())) {
      *types.Add() = info;
    } else {
      *graph.add_initializer() = filled(info, ranges);
    }
  }
  graph.mutable_value_info()->Swap(&types);
}

}  // namespace

OnnxFile model_from_text(const std::string& text, const std::string& fill, Diagnostics& diagnostics) {
  onnx::ModelProto model;
  onnx::OnnxParser parser(text.c_str());
  const auto status = parser.Parse(model);
  if (!status.IsOK()) throw std::runtime_error("model: " + status.ErrorMessage());
  if (!parser.EndOfInput()) throw std::runtime_error("model: text after its end");
  fill_declared(*model.mutable_graph(), parse_ranges(fill));
  const auto bytes = std::make_shared<const std::string>(model.SerializeAsString());
  OnnxFile file = parse_onnx(std::as_bytes(std::span(*bytes)), bytes, "model.onnx", diagnostics);
  infer_shapes(file, diagnostics);
  return file;
}

}  // namespace qprep::golden
