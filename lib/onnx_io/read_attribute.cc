#include "onnx_io/read_attribute.h"

namespace qprep {
namespace {

using Proto = onnx::AttributeProto;

Proto::AttributeType type_of(const Proto& proto) {
  if (proto.type() != Proto::UNDEFINED) return proto.type();
  if (proto.has_f()) return Proto::FLOAT;
  if (proto.has_i()) return Proto::INT;
  if (proto.has_s()) return Proto::STRING;
  if (proto.has_t()) return Proto::TENSOR;
  if (proto.has_g()) return Proto::GRAPH;
  if (proto.floats_size() > 0) return Proto::FLOATS;
  if (proto.ints_size() > 0) return Proto::INTS;
  if (proto.strings_size() > 0) return Proto::STRINGS;
  if (proto.graphs_size() > 0) return Proto::GRAPHS;
  return Proto::UNDEFINED;
}

AttributeValue value_of(const Proto& proto, const AttributeParts& parts) {
  switch (type_of(proto)) {
    case Proto::FLOAT:
      return proto.f();
    case Proto::INT:
      return std::int64_t{proto.i()};
    case Proto::STRING:
      return proto.s();
    case Proto::TENSOR:
      if (!proto.has_t()) return std::monostate();
      return parts.tensor(proto.t());
    case Proto::GRAPH:
      if (!proto.has_g()) return std::monostate();
      return parts.body(proto.g());
    case Proto::FLOATS:
      return std::vector<float>(proto.floats().begin(), proto.floats().end());
    case Proto::INTS:
      return std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end());
    case Proto::STRINGS:
      return std::vector<std::string>(proto.strings().begin(), proto.strings().end());
    case Proto::GRAPHS: {
      std::vector<std::unique_ptr<Graph>> bodies;
      for (const onnx::GraphProto& graph : proto.graphs()) bodies.push_back(parts.body(graph));
      return bodies;
    }
    default:
      return std::monostate();
  }
}

}  // namespace

Attribute read_attribute(const onnx::AttributeProto& proto, const AttributeParts& parts) {
  Attribute attribute{proto.name(), std::monostate(), proto.ref_attr_name(), true};
  if (attribute.reference.empty()) attribute.value = value_of(proto, parts);
  return attribute;
}

}  // namespace qprep
