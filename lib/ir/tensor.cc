#include "ir/tensor.h"

#include <utility>

namespace qprep {
namespace {

/// Smaller ones are computed once and kept.
constexpr std::size_t kSmallestComputed = std::size_t{1} << 18;

template <typename T>
std::vector<std::int64_t> widened(const Tensor& tensor) {
  const std::vector<T> values = tensor.to_vector<T>();
  return {values.begin(), values.end()};
}

}  // namespace

std::optional<std::int64_t> element_count(const Dims& dims) {
  std::int64_t count = 1;
  for (const std::int64_t dim : dims) {
    if (dim < 0 || __builtin_mul_overflow(count, dim, &count)) return std::nullopt;
  }
  return count;
}

Tensor::Tensor(DType dtype, Dims dims, std::span<const std::byte> bytes, std::shared_ptr<const void> owner)
    : dtype_(dtype), dims_(std::move(dims)), payload_(bytes), owner_(std::move(owner)) {}

Tensor Tensor::computed(DType dtype, Dims dims, FillPiece fill) {
  const std::size_t size =
      payload_size(dtype, static_cast<std::uint64_t>(element_count(dims).value_or(0))).value_or(0);
  Tensor tensor;
  tensor.dtype_ = dtype;
  tensor.dims_ = std::move(dims);
  if (size < kSmallestComputed) {
    auto bytes = std::make_shared<std::vector<std::byte>>(size);
    fill(0, *bytes);
    tensor.payload_ = Payload(std::span<const std::byte>(*bytes));
    tensor.owner_ = std::move(bytes);
    return tensor;
  }
  auto computed = std::make_shared<const ComputedPayload>(size, std::move(fill));
  tensor.payload_ = Payload(computed.get());
  tensor.owner_ = std::move(computed);
  return tensor;
}

std::optional<std::vector<std::int64_t>> Tensor::to_int64s() const {
  switch (dtype_) {
    case DType::kInt64:
    case DType::kUInt64:
      return widened<std::int64_t>(*this);
    case DType::kInt32:
      return widened<std::int32_t>(*this);
    case DType::kUInt32:
      return widened<std::uint32_t>(*this);
    case DType::kInt16:
      return widened<std::int16_t>(*this);
    case DType::kUInt16:
      return widened<std::uint16_t>(*this);
    case DType::kInt8:
      return widened<std::int8_t>(*this);
    case DType::kUInt8:
    case DType::kBool:
      return widened<std::uint8_t>(*this);
    default:
      return std::nullopt;
  }
}

}  // namespace qprep
