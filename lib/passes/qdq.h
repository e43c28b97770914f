#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ir/graph.h"
#include "quant/fake_quant_math.h"

/// QuantizeLinear and DequantizeLinear nodes, ours or another tool's.
namespace qprep {

/// In ONNX's own domain or in com.microsoft.
bool is_quantize_linear(const Node& node);
bool is_dequantize_linear(const Node& node);

/// The numbers of a QuantizeLinear or DequantizeLinear.
struct QdqParams {
  DType dtype = DType::kUInt8;        // of the integers
  std::size_t axis = 0;               // per channel: along it; per tensor: 0
  std::vector<QuantParams> channels;  // one entry: per tensor

  bool per_tensor() const { return channels.size() == 1; }
};

/// nullopt: scale or zero point is no constant, a scale is not a positive number, the integers are neither
/// 8 nor 16 bits wide, or it is quantised in blocks. A scale that a caller may override is no constant.
std::optional<QdqParams> read_qdq(const Node& node);

}  // namespace qprep
