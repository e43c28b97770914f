#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "passes/evaluate.h"

/// Shared by the evaluate_*.cc files, each of which has the operators of one family.
namespace qprep::evaluation {

/// One evaluation: the node, its constants, and the limit on results.
struct Call {
  const Node& node;
  std::span<const Tensor* const> inputs;
  std::int64_t opset;
  const ResultLimit& limit;
  bool too_large = false;

  const Tensor* input(std::size_t i) const { return i < inputs.size() ? inputs[i] : nullptr; }
  /// True if a result of this kind may be made; else it is too large, or dims are invalid.
  bool fits(DType dtype, const Dims& dims);
};

using Results = std::optional<std::vector<Tensor>>;
using Evaluator = Results (*)(Call&);

struct Row {
  std::string_view op;
  Evaluator evaluate;
};

std::span<const Row> layout_rows();
std::span<const Row> select_rows();
std::span<const Row> math_rows();
std::span<const Row> compare_rows();
std::span<const Row> reduce_rows();
std::span<const Row> cast_rows();

inline Results one(Tensor tensor) { return std::vector<Tensor>{std::move(tensor)}; }

/// The same payload in another shape.
Tensor with_dims(const Tensor& tensor, Dims dims);

/// `axis`, counted from the end if negative; nullopt if there is none such.
std::optional<std::size_t> axis_in(std::int64_t axis, std::size_t rank);
/// The same for several, which must differ.
std::optional<std::vector<std::size_t>> axes_in(const std::vector<std::int64_t>& axes, std::size_t rank);
/// The integers of attribute `name`, or from operator set `since` on of input `i`. Outer nullopt: not
/// integers; inner: not given.
std::optional<std::optional<std::vector<std::int64_t>>> ints_of(const Call& call, std::string_view name,
                                                                std::int64_t since, std::size_t i);

/// Elements from one step along each axis to the next, in row-major order.
Dims strides_of(const Dims& dims);
/// ONNX's multidirectional broadcasting; nullopt if the shapes do not fit.
std::optional<Dims> broadcast(const Dims& a, const Dims& b);
/// The strides with which a tensor of `dims` is read as one of `out`: 0 along what is repeated.
Dims broadcast_strides(const Dims& dims, const Dims& out);

/// Calls visit(offsets) for each index of `dims` in row-major order, where offsets[k] is the sum over the
/// axes of index * strides[k][axis].
template <std::size_t N, typename Visit>
void for_each_index(const Dims& dims, const std::array<Dims, N>& strides, Visit visit) {
  for (const std::int64_t dim : dims) {
    if (dim == 0) return;
  }
  Dims index(dims.size(), 0);
  std::array<std::int64_t, N> offsets{};
  for (;;) {
    visit(offsets);
    std::size_t axis = dims.size();
    for (;;) {
      if (axis == 0) return;
      --axis;
      for (std::size_t k = 0; k < N; ++k) offsets[k] += strides[k][axis];
      if (++index[axis] < dims[axis]) break;
      for (std::size_t k = 0; k < N; ++k) offsets[k] -= strides[k][axis] * dims[axis];
      index[axis] = 0;
    }
  }
}

/// Bytes of an element; nullopt for strings and for elements that share a byte.
std::optional<std::size_t> element_bytes(DType dtype);

/// out[index] = in[offset + sum of index * strides], elements of whatever type. Given:
/// element_bytes(in.dtype()).
Tensor strided_copy(const Tensor& in, std::int64_t offset, Dims dims, const Dims& strides);

/// A payload being made, of elements of `width` bytes.
class Bytes {
 public:
  Bytes(std::int64_t count, std::size_t width)
      : width_(width),
        bytes_(std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(count) * width)) {}

  /// Elements to..to+count of this become elements from..from+count of `in`.
  void copy(std::int64_t to, const Tensor& in, std::int64_t from, std::int64_t count = 1) {
    if (count == 0) return;
    std::memcpy(bytes_->data() + static_cast<std::size_t>(to) * width_,
                in.bytes().data() + static_cast<std::size_t>(from) * width_,
                static_cast<std::size_t>(count) * width_);
  }
  Tensor tensor(DType dtype, Dims dims) const { return Tensor(dtype, std::move(dims), *bytes_, bytes_); }

 private:
  std::size_t width_;
  std::shared_ptr<std::vector<std::byte>> bytes_;
};

/// visit(std::type_identity<T>) for the C++ type of a number or bool (as uint8_t); for other types, {}.
template <typename Visit>
auto visit_number(DType dtype, Visit visit) -> decltype(visit(std::type_identity<float>{})) {
  switch (dtype) {
    case DType::kFloat32:
      return visit(std::type_identity<float>{});
    case DType::kFloat64:
      return visit(std::type_identity<double>{});
    case DType::kInt64:
      return visit(std::type_identity<std::int64_t>{});
    case DType::kInt32:
      return visit(std::type_identity<std::int32_t>{});
    case DType::kInt16:
      return visit(std::type_identity<std::int16_t>{});
    case DType::kInt8:
      return visit(std::type_identity<std::int8_t>{});
    case DType::kUInt64:
      return visit(std::type_identity<std::uint64_t>{});
    case DType::kUInt32:
      return visit(std::type_identity<std::uint32_t>{});
    case DType::kUInt16:
      return visit(std::type_identity<std::uint16_t>{});
    case DType::kUInt8:
    case DType::kBool:
      return visit(std::type_identity<std::uint8_t>{});
    default:
      return {};
  }
}

}  // namespace qprep::evaluation
