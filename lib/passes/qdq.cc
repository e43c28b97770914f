#include "passes/qdq.h"

#include <cmath>

namespace qprep {
namespace {

bool is_of(const Node& node, std::string_view op) {
  return node.op() == op && (node.is_onnx_domain() || node.domain() == "com.microsoft");
}

std::optional<QuantRange> range_of_integers(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
      return QuantRange{-128, 127};
    case DType::kUInt8:
      return QuantRange{0, 255};
    case DType::kInt16:
      return QuantRange{-32768, 32767};
    case DType::kUInt16:
      return QuantRange{0, 65535};
    default:
      return std::nullopt;
  }
}

/// Without a zero point the output's type says it for QuantizeLinear, and the input's for DequantizeLinear.
DType dtype_without_zero_point(const Node& node) {
  if (is_dequantize_linear(node)) return node.input(0) ? node.input(0)->type().dtype : DType::kUndefined;
  const std::int64_t stated = node.int_or("output_dtype", 0);
  return stated == 0 ? DType::kUInt8 : static_cast<DType>(stated);
}

/// The value's constant, unless it is a graph input's default, which a caller may override.
const Tensor* fixed_constant(const Value& value) {
  return value.is_graph_input() ? nullptr : constant_of(value);
}

bool one_dimensional(const Tensor& tensor) { return tensor.dims().size() <= 1 && tensor.size() > 0; }

}  // namespace

bool is_quantize_linear(const Node& node) { return is_of(node, "QuantizeLinear"); }
bool is_dequantize_linear(const Node& node) { return is_of(node, "DequantizeLinear"); }

std::optional<QdqParams> read_qdq(const Node& node) {
  if (!node.input(0) || !node.input(1) || node.output_count() != 1) return std::nullopt;
  if (node.int_or("block_size", 0) != 0 || node.int_or("precision", 0) != 0) return std::nullopt;
  const Tensor* scale = fixed_constant(*node.input(1));
  if (!scale || scale->dtype() != DType::kFloat32 || !one_dimensional(*scale)) return std::nullopt;
  const Tensor* zero = node.input(2) ? fixed_constant(*node.input(2)) : nullptr;
  if (node.input(2) && (!zero || zero->size() != scale->size() || !one_dimensional(*zero)))
    return std::nullopt;

  QdqParams params;
  params.dtype = zero ? zero->dtype() : dtype_without_zero_point(node);
  const std::optional<QuantRange> range = range_of_integers(params.dtype);
  if (!range) return std::nullopt;
  const std::optional<std::vector<std::int64_t>> zeros = zero ? zero->to_int64s() : std::nullopt;
  for (std::int64_t i = 0; i < scale->size(); ++i) {
    const float s = scale->at<float>(i);
    if (!std::isfinite(s) || s <= 0.0F) return std::nullopt;
    const std::int64_t z = zeros ? (*zeros)[static_cast<std::size_t>(i)] : 0;
    params.channels.push_back({s, static_cast<std::int32_t>(z), *range});
  }
  if (params.per_tensor()) return params;

  const std::optional<Dims> dims = node.input(0)->type().static_dims();
  const std::optional<std::size_t> rank = node.input(0)->type().rank();
  std::int64_t axis = node.int_or("axis", 1);
  if (axis < 0 && !rank) return std::nullopt;
  if (axis < 0) axis += static_cast<std::int64_t>(*rank);
  if (axis < 0 || (rank && axis >= static_cast<std::int64_t>(*rank))) return std::nullopt;
  params.axis = static_cast<std::size_t>(axis);
  if (dims && (*dims)[params.axis] != scale->size()) return std::nullopt;
  return params;
}

}  // namespace qprep
