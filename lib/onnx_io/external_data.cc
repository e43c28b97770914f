#include "onnx_io/external_data.h"

#include <charconv>
#include <fmt/format.h>
#include <map>
#include <optional>

#include "ir/tensor.h"
#include "support/codes.h"
#include "support/diagnostics.h"

namespace qprep {
namespace {

namespace fs = std::filesystem;

const std::string* entry(const onnx::TensorProto& tensor, std::string_view key) {
  const std::string* found = nullptr;
  for (const onnx::StringStringEntryProto& pair : tensor.external_data()) {
    if (pair.key() == key) found = &pair.value();
  }
  return found;
}

class Mapper {
 public:
  Mapper(ParsedModel& parsed, const fs::path& folder, const std::string& name)
      : parsed_(parsed), folder_(folder.empty() ? fs::path(".") : folder), name_(name) {}

  void map(onnx::TensorProto& tensor) {
    if (!is_external(tensor)) return;
    const std::string* location = entry(tensor, "location");
    location_ = location ? *location : "";
    tensor_ = &tensor;
    if (!location || location->empty()) fail("has no location");
    if (tensor.has_raw_data()) fail("has data in the model too");
    if (tensor.data_type() == onnx::TensorProto::STRING) fail("has strings, which cannot be external");

    const std::span<const std::byte> bytes = file().bytes();
    const std::uint64_t offset = number("offset").value_or(0);
    if (offset > bytes.size()) fail(fmt::format("starts at byte {} of a file of {}", offset, bytes.size()));
    const std::uint64_t rest = bytes.size() - offset;
    const std::optional<std::uint64_t> expected = size_by_dims();
    const std::uint64_t length = number("length").value_or(expected.value_or(rest));
    if (expected && length != *expected) {
      fail(fmt::format("has {} bytes, but its type and dims take {}", length, *expected));
    }
    if (length > rest) {
      fail(fmt::format("reaches from byte {} to {}, but the file has only {}", offset, offset + length,
                       bytes.size()));
    }
    tensor.set_raw_data(placeholder(parsed_.payloads.size()));
    parsed_.payloads.push_back(
        bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length)));
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw Fatal(codes::kExternalData,
                fmt::format("tensor '{}' with external data at '{}' {}", tensor_->name(), location_, what),
                {name_});
  }

  /// The entry's number; nullopt if it is not there.
  std::optional<std::uint64_t> number(std::string_view key) const {
    const std::string* text = entry(*tensor_, key);
    if (!text) return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    constexpr std::uint64_t kLargest = std::uint64_t{1} << 62;
    if (error != std::errc() || end != text->data() + text->size() || value > kLargest) {
      fail(fmt::format("has '{}' as its {}", *text, key));
    }
    return value;
  }

  std::optional<std::uint64_t> size_by_dims() const {
    const Dims dims(tensor_->dims().begin(), tensor_->dims().end());
    const auto dtype = static_cast<DType>(tensor_->data_type());
    const std::optional<std::int64_t> count = element_count(dims);
    if (!count) fail("has dims that no tensor has");
    const std::optional<std::size_t> size = payload_size(dtype, static_cast<std::uint64_t>(*count));
    if (!size && bit_width(dtype) != 0) fail("has dims that no tensor has");
    return size;
  }

  const MappedFile& file() {
    std::shared_ptr<const MappedFile>& file = files_[location_];
    if (file) return *file;
    const fs::path relative(location_);
    if (location_.find('\0') != std::string::npos) fail("is refused: a zero byte in its path");
    if (relative.is_absolute()) fail("is refused: an absolute path");
    for (const fs::path& part : relative) {
      if (part == "..") fail("is refused: '..' in its path");
    }
    std::error_code error;
    const fs::path root = fs::canonical(folder_, error);
    const fs::path path = error ? fs::path() : fs::canonical(root / relative, error);
    if (error) fail(fmt::format("cannot be read: {}", error.message()));
    const fs::path inside = path.lexically_relative(root);
    if (inside.empty() || *inside.begin() == "..") fail("is refused: a link that leaves the model's folder");
    try {
      // Some exporters make a file a tensor, more of them than a process may have open.
      constexpr std::size_t kMostOpen = 64;
      file = MappedFile::open(
          path, files_.size() <= kMostOpen ? MappedFile::Descriptor::kKeep : MappedFile::Descriptor::kClose);
    } catch (const Fatal& failure) {
      fail(failure.diagnostics().front().message);
    }
    parsed_.files.push_back(file);
    return *file;
  }

  ParsedModel& parsed_;
  fs::path folder_;
  const std::string& name_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
  std::string location_;
  const onnx::TensorProto* tensor_ = nullptr;
};

}  // namespace

void map_external_data(ParsedModel& parsed, const fs::path& folder, const std::string& name) {
  Mapper mapper(parsed, folder, name);
  for_each_tensor(*parsed.model, [&](onnx::TensorProto& tensor) { mapper.map(tensor); });
}

void point_to_external_data(onnx::TensorProto& tensor, const std::string& location, std::uint64_t offset,
                            std::uint64_t length) {
  google::protobuf::RepeatedPtrField<onnx::StringStringEntryProto> old;
  old.Swap(tensor.mutable_external_data());
  const auto add = [&](const std::string& key, const std::string& value) {
    onnx::StringStringEntryProto& pair = *tensor.add_external_data();
    pair.set_key(key);
    pair.set_value(value);
  };
  add("location", location);
  add("offset", std::to_string(offset));
  add("length", std::to_string(length));
  for (const onnx::StringStringEntryProto& pair : old) {
    if (pair.key() != "location" && pair.key() != "offset" && pair.key() != "length" &&
        pair.key() != "checksum") {
      *tensor.add_external_data() = pair;
    }
  }
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  tensor.clear_raw_data();
}

}  // namespace qprep
