#include "ir/dtype.h"

#include <array>
#include <fmt/format.h>
#include <limits>

namespace qprep {
namespace {

struct Row {
  std::string_view name;
  std::size_t bits;
};

constexpr std::array<Row, 27> kRows = {{
    {"undefined", 0},      {"float32", 32},  {"uint8", 8},        {"int8", 8},           {"uint16", 16},
    {"int16", 16},         {"int32", 32},    {"int64", 64},       {"string", 0},         {"bool", 8},
    {"float16", 16},       {"float64", 64},  {"uint32", 32},      {"uint64", 64},        {"complex64", 64},
    {"complex128", 128},   {"bfloat16", 16}, {"float8e4m3fn", 8}, {"float8e4m3fnuz", 8}, {"float8e5m2", 8},
    {"float8e5m2fnuz", 8}, {"uint4", 4},     {"int4", 4},         {"float4e2m1", 4},     {"float8e8m0", 8},
    {"uint2", 2},          {"int2", 2},
}};

const Row* row_of(DType dtype) {
  const auto index = static_cast<std::size_t>(static_cast<std::int32_t>(dtype));
  return index < kRows.size() ? &kRows[index] : nullptr;
}

}  // namespace

std::size_t bit_width(DType dtype) {
  const Row* row = row_of(dtype);
  return row ? row->bits : 0;
}

std::optional<std::size_t> payload_size(DType dtype, std::uint64_t count) {
  const std::size_t bits = bit_width(dtype);
  if (bits == 0 || count > (std::numeric_limits<std::uint64_t>::max() - 7) / bits) return std::nullopt;
  return static_cast<std::size_t>((count * bits + 7) / 8);
}

std::string to_text(DType dtype) {
  const Row* row = row_of(dtype);
  return row ? std::string(row->name) : fmt::format("dtype({})", static_cast<std::int32_t>(dtype));
}

bool is_floating(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kFloat16 ||
         dtype == DType::kBFloat16;
}

}  // namespace qprep
