#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ir/dtype.h"
#include "ir/payload.h"

namespace qprep {

using Dims = std::vector<std::int64_t>;

/// Product of dims: 1 for a scalar; nullopt if one is negative or the product does not fit 63 bits.
std::optional<std::int64_t> element_count(const Dims& dims);

/// An immutable tensor in row-major order, elements little-endian and packed. Copying shares the payload.
///
/// A payload is a view into a mapped file, a parsed message or an owned buffer, which `owner` keeps alive, or
/// is computed where it is read. String tensors have dims but no payload here: the file's own record of them
/// passes through.
class Tensor {
 public:
  Tensor() = default;

  /// Given: bytes.size() is payload_size(dtype, element_count(dims)), or dtype is kString and bytes is empty.
  Tensor(DType dtype, Dims dims, std::span<const std::byte> bytes, std::shared_ptr<const void> owner);

  /// A tensor whose payload follows from other numbers. `fill`: see ComputedPayload; it keeps what it reads
  /// alive.
  static Tensor computed(DType dtype, Dims dims, FillPiece fill);

  /// A tensor that owns its payload. Given: T is the element type of `dtype` and values.size() fits dims.
  template <typename T>
  static Tensor of(DType dtype, Dims dims, std::vector<T> values) {
    auto owner = std::make_shared<const std::vector<T>>(std::move(values));
    return Tensor(dtype, std::move(dims), std::as_bytes(std::span<const T>(*owner)), owner);
  }
  static Tensor floats(Dims dims, std::vector<float> values) {
    return of<float>(DType::kFloat32, std::move(dims), std::move(values));
  }
  static Tensor int64s(Dims dims, std::vector<std::int64_t> values) {
    return of<std::int64_t>(DType::kInt64, std::move(dims), std::move(values));
  }
  static Tensor scalar(float value) { return floats({}, {value}); }

  DType dtype() const { return dtype_; }
  const Dims& dims() const { return dims_; }
  /// Of a large computed payload this stores all of it: where pieces do, use payload().
  std::span<const std::byte> bytes() const { return payload_.bytes(); }
  const Payload& payload() const { return payload_; }
  const std::shared_ptr<const void>& owner() const { return owner_; }
  std::int64_t size() const { return element_count(dims_).value_or(0); }

  /// Element i, whatever the payload's alignment (files promise none). Given: T is the element type.
  template <typename T>
  T at(std::int64_t i) const {
    T value;
    __builtin_memcpy(&value, bytes().data() + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
    return value;
  }

  /// All elements, copied. Given: T is the element type.
  template <typename T>
  std::vector<T> to_vector() const {
    std::vector<T> values(bytes().size() / sizeof(T));
    if (!values.empty()) __builtin_memcpy(values.data(), bytes().data(), values.size() * sizeof(T));
    return values;
  }

  /// The elements as int64, for any integer or bool dtype of at least 8 bits; nullopt for other dtypes.
  std::optional<std::vector<std::int64_t>> to_int64s() const;

  /// Same dims and the same payload, not one of the same bytes elsewhere: certainly the same tensor.
  bool same_payload(const Tensor& other) const {
    return dtype_ == other.dtype_ && dims_ == other.dims_ && payload_.key() == other.payload_.key() &&
           payload_.size() == other.payload_.size();
  }

 private:
  DType dtype_ = DType::kUndefined;
  Dims dims_;
  Payload payload_;
  std::shared_ptr<const void> owner_;
};

}  // namespace qprep
