#include "onnx_io/read_tensor.h"

#include <fmt/format.h>

#include "support/codes.h"
#include "support/diagnostics.h"

namespace qprep {
namespace {

using Parsed = std::shared_ptr<const ParsedModel>;

class TensorReader {
 public:
  TensorReader(const Parsed& parsed, const onnx::TensorProto& tensor, const std::string& what,
               const std::string& file)
      : parsed_(parsed),
        tensor_(tensor),
        what_(what),
        file_(file),
        dtype_(static_cast<DType>(tensor.data_type())),
        dims_(tensor.dims().begin(), tensor.dims().end()) {}

  Tensor read() {
    if (tensor_.has_segment()) return opaque_tensor(dims_);
    const std::optional<std::int64_t> count = element_count(dims_);
    if (!count) fail("its dims are negative, or their product is too large");
    if (dtype_ == DType::kString) return strings(static_cast<std::uint64_t>(*count));
    const std::optional<std::size_t> size = payload_size(dtype_, static_cast<std::uint64_t>(*count));
    if (!size && bit_width(dtype_) != 0) fail("its dims are too large");
    if (tensor_.has_raw_data()) return raw(size);
    if (!size) return Tensor(dtype_, dims_, {}, nullptr);
    return typed(*size);
  }

 private:
  [[noreturn]] void fail(std::string_view why) const {
    throw Fatal(codes::kCorruptModel, fmt::format("{}: {}", what_, why), {file_});
  }

  void check_size(std::size_t has, std::size_t takes) const {
    if (has != takes) {
      fail(
          fmt::format("it has {} bytes of data, but {} with its dims takes {}", has, to_text(dtype_), takes));
    }
  }

  Tensor strings(std::uint64_t count) const {
    if (static_cast<std::uint64_t>(tensor_.string_data_size()) != count) {
      fail(fmt::format("it has {} strings, but its dims take {}", tensor_.string_data_size(), count));
    }
    return Tensor(dtype_, dims_, {}, std::shared_ptr<const void>(parsed_, &tensor_));
  }

  Tensor raw(std::optional<std::size_t> size) const {
    const std::span<const std::byte> bytes = parsed_->payload(tensor_);
    if (size) check_size(bytes.size(), *size);
    return Tensor(dtype_, dims_, bytes, parsed_);
  }

  Tensor typed(std::size_t size) const {
    switch (dtype_) {
      case DType::kFloat32:
      case DType::kComplex64:
        return view(tensor_.float_data(), size);
      case DType::kFloat64:
      case DType::kComplex128:
        return view(tensor_.double_data(), size);
      case DType::kInt64:
        return view(tensor_.int64_data(), size);
      case DType::kUInt64:
        return view(tensor_.uint64_data(), size);
      case DType::kInt32:
        return view(tensor_.int32_data(), size);
      case DType::kUInt32:
        return packed<std::uint32_t>(tensor_.uint64_data(), size);
      case DType::kInt16:
      case DType::kUInt16:
      case DType::kFloat16:
      case DType::kBFloat16:
        return packed<std::uint16_t>(tensor_.int32_data(), size);
      default:  // one byte an entry, of however many elements
        return packed<std::uint8_t>(tensor_.int32_data(), size);
    }
  }

  template <typename T>
  Tensor view(const google::protobuf::RepeatedField<T>& values, std::size_t size) const {
    const auto bytes =
        std::as_bytes(std::span<const T>(values.data(), static_cast<std::size_t>(values.size())));
    check_size(bytes.size(), size);
    return Tensor(dtype_, dims_, bytes, parsed_);
  }

  template <typename Packed, typename T>
  Tensor packed(const google::protobuf::RepeatedField<T>& values, std::size_t size) const {
    std::vector<Packed> narrow;
    narrow.reserve(static_cast<std::size_t>(values.size()));
    for (const T value : values) narrow.push_back(static_cast<Packed>(value));
    check_size(narrow.size() * sizeof(Packed), size);
    return Tensor::of<Packed>(dtype_, dims_, std::move(narrow));
  }

  const Parsed& parsed_;
  const onnx::TensorProto& tensor_;
  const std::string& what_;
  const std::string& file_;
  DType dtype_;
  Dims dims_;
};

}  // namespace

Tensor read_tensor(const Parsed& parsed, const onnx::TensorProto& tensor, const std::string& what,
                   const std::string& file) {
  return TensorReader(parsed, tensor, what, file).read();
}

const onnx::TensorProto* string_record(const Tensor& tensor) {
  return tensor.dtype() == DType::kString ? static_cast<const onnx::TensorProto*>(tensor.owner().get())
                                          : nullptr;
}

Tensor opaque_tensor(Dims dims) { return Tensor(DType::kUndefined, std::move(dims), {}, nullptr); }

}  // namespace qprep
