#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace qprep {

/// Element types, with the numbers of ONNX's TensorProto.DataType. A number outside this list is kept as it
/// is.
enum class DType : std::int32_t {
  kUndefined = 0,
  kFloat32 = 1,
  kUInt8 = 2,
  kInt8 = 3,
  kUInt16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kFloat64 = 11,
  kUInt32 = 12,
  kUInt64 = 13,
  kComplex64 = 14,
  kComplex128 = 15,
  kBFloat16 = 16,
  kFloat8E4M3FN = 17,
  kFloat8E4M3FNUZ = 18,
  kFloat8E5M2 = 19,
  kFloat8E5M2FNUZ = 20,
  kUInt4 = 21,
  kInt4 = 22,
  kFloat4E2M1 = 23,
  kFloat8E8M0 = 24,
  kUInt2 = 25,
  kInt2 = 26,
};

/// Bits of one element in a packed payload; 0 for strings, undefined and unknown types.
std::size_t bit_width(DType dtype);

/// Bytes of `count` packed elements (sub-byte types round up to whole bytes);
/// nullopt if the width is unknown or the product does not fit.
std::optional<std::size_t> payload_size(DType dtype, std::uint64_t count);

/// "float32", "int8", ...; "dtype(77)" for a number that is not listed.
std::string to_text(DType dtype);

/// True for float32, float64, float16 and bfloat16.
bool is_floating(DType dtype);

}  // namespace qprep
