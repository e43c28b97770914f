#include "onnx_io/build_attribute.h"

#include <array>
#include <stdexcept>
#include <string>

#include "onnx_io/protobuf_copy.h"

namespace qprep {
namespace {

using Proto = onnx::AttributeProto;

/// In the order of AttributeValue's alternatives.
constexpr std::array kTypes = {Proto::UNDEFINED, Proto::INT,  Proto::FLOAT,  Proto::STRING,  Proto::TENSOR,
                               Proto::GRAPH,     Proto::INTS, Proto::FLOATS, Proto::STRINGS, Proto::GRAPHS};
static_assert(kTypes.size() == std::variant_size_v<AttributeValue>);

/// One overload a kind of value.
struct Setter {
  Proto& proto;
  TensorBuilder& tensors;
  const BuildBody& build_body;

  void operator()(std::monostate) const {
    throw std::logic_error("attribute '" + proto.name() + "' has neither a value nor a record");
  }
  void operator()(std::int64_t value) const { proto.set_i(value); }
  void operator()(float value) const { proto.set_f(value); }
  void operator()(const std::string& value) const { proto.set_s(value); }
  void operator()(const Tensor& value) const { tensors.build(value, *proto.mutable_t()); }
  void operator()(const std::unique_ptr<Graph>& body) const { build_body(*body, *proto.mutable_g()); }
  void operator()(const std::vector<std::int64_t>& values) const {
    proto.mutable_ints()->Assign(values.begin(), values.end());
  }
  void operator()(const std::vector<float>& values) const {
    proto.mutable_floats()->Assign(values.begin(), values.end());
  }
  void operator()(const std::vector<std::string>& values) const {
    proto.mutable_strings()->Assign(values.begin(), values.end());
  }
  void operator()(const std::vector<std::unique_ptr<Graph>>& bodies) const {
    for (const auto& body : bodies) build_body(*body, *proto.add_graphs());
  }
};

/// The attribute as its record has it, but for the bodies.
void copy_with_bodies(const Attribute& attribute, const Proto& record, const BuildBody& build_body,
                      Proto& proto) {
  if (const auto* body = std::get_if<std::unique_ptr<Graph>>(&attribute.value)) {
    copy_fields(record, proto, {Proto::kGFieldNumber});
    build_body(**body, *proto.mutable_g());
  } else if (const auto* bodies = std::get_if<std::vector<std::unique_ptr<Graph>>>(&attribute.value)) {
    copy_fields(record, proto, {Proto::kGraphsFieldNumber});
    for (const auto& each : *bodies) build_body(*each, *proto.add_graphs());
  } else {
    proto = record;
  }
}

}  // namespace

void build_attribute(const Attribute& attribute, const Proto* record, TensorBuilder& tensors,
                     const BuildBody& build_body, Proto& proto) {
  if (attribute.from_file && record) return copy_with_bodies(attribute, *record, build_body, proto);
  proto.set_name(attribute.name);
  if (record && record->has_doc_string()) proto.set_doc_string(record->doc_string());
  proto.set_type(kTypes[attribute.value.index()]);
  if (attribute.reference.empty()) {
    std::visit(Setter{proto, tensors, build_body}, attribute.value);
  } else {
    proto.set_ref_attr_name(attribute.reference);
  }
}

}  // namespace qprep
