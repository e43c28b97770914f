#include "onnx_io/types.h"

#include <algorithm>

namespace qprep {

Type read_type(const onnx::TypeProto& proto) {
  if (proto.value_case() == onnx::TypeProto::VALUE_NOT_SET) return {};
  if (!proto.has_tensor_type()) return {Type::Kind::kOther, DType::kUndefined, std::nullopt};
  const onnx::TypeProto::Tensor& tensor = proto.tensor_type();
  Type type = Type::tensor(static_cast<DType>(tensor.elem_type()));
  if (!tensor.has_shape()) return type;
  Shape shape;
  for (const onnx::TensorShapeProto::Dimension& dim : tensor.shape().dim()) {
    shape.push_back({dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : -1, dim.dim_param()});
  }
  type.shape = std::move(shape);
  return type;
}

void write_type(const Type& type, onnx::TypeProto& proto) {
  onnx::TypeProto::Tensor& tensor = *proto.mutable_tensor_type();
  tensor.set_elem_type(static_cast<std::int32_t>(type.dtype));
  if (!type.shape) return;
  onnx::TensorShapeProto& shape = *tensor.mutable_shape();
  for (const Dim& dim : *type.shape) {
    onnx::TensorShapeProto::Dimension& out = *shape.add_dim();
    if (dim.known()) {
      out.set_dim_value(dim.size);
    } else if (!dim.symbol.empty()) {
      out.set_dim_param(dim.symbol);
    }
  }
}

bool shapes_contradict(const Type& one, const Type& other) {
  if (!one.shape || !other.shape) return false;
  const auto may_be_equal = [](const Dim& first, const Dim& second) {
    return !first.known() || !second.known() || first.size == second.size;
  };
  return !std::equal(one.shape->begin(), one.shape->end(), other.shape->begin(), other.shape->end(),
                     may_be_equal);
}

}  // namespace qprep
