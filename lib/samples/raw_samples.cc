#include "samples/raw_samples.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <utility>

#include "images/picture.h"
#include "samples/npy.h"
#include "support/codes.h"
#include "support/mapped_file.h"

namespace qprep {
namespace {

namespace fs = std::filesystem;

bool is_npy(const std::string& file) { return fs::path(file).extension() == ".npy"; }

[[noreturn]] void refuse(const std::string& file, std::string message) {
  throw Fatal(codes::kBadSample, std::move(message), {file, 0, 0});
}

DType stored_type(const RawInput& input) { return input.bytes ? DType::kUInt8 : DType::kFloat32; }

Dims dims_of(const std::string& file, const RawInput& input, std::size_t bytes) {
  return headless_dims(file, input.port, stored_type(input), bytes, "'input_shape'");
}

void check_types(const std::string& file, const RawInput& input, DType stored) {
  const Type& type = input.port.type;
  if (type.is_tensor_of(stored) || (stored == DType::kUInt8 && type.is_tensor_of(DType::kFloat32))) return;
  refuse(file, fmt::format("it holds {}, and the model's input '{}' takes {}", to_text(stored),
                           input.port.name, to_text(type)));
}

void check_dims(const std::string& file, const RawInput& input, const Dims& dims) {
  const auto& shape = input.port.type.shape;
  bool fits = !shape || shape->size() == dims.size();
  for (std::size_t i = 0; fits && shape && i < dims.size(); ++i) {
    fits = !shape->at(i).known() || shape->at(i).size == dims[i];
  }
  if (fits) return;
  refuse(file, fmt::format("its shape does not fit the model's input '{}', which takes {}", input.port.name,
                           to_text(input.port.type)));
}

Tensor as_floats(const Tensor& bytes) {
  const std::vector<std::uint8_t> values = bytes.to_vector<std::uint8_t>();
  return Tensor::floats(bytes.dims(), {values.begin(), values.end()});
}

Tensor read_headless(const std::string& file, const RawInput& input) {
  const std::shared_ptr<const MappedFile> mapped = MappedFile::open(file);
  const DType stored = stored_type(input);
  check_types(file, input, stored);
  Dims dims = dims_of(file, input, mapped->bytes().size());
  return Tensor(stored, std::move(dims), mapped->bytes(), mapped);
}

}  // namespace

Dims headless_dims(const std::string& file, const Port& input, DType stored, std::size_t bytes,
                   std::string_view where) {
  const Type& type = input.type;
  if (!type.shape) {
    refuse(file, fmt::format("the model does not say the sizes of its input '{}'; write them into the "
                             "configuration ({})",
                             input.name, where));
  }
  Dims dims;
  std::size_t known = std::max<std::size_t>(bit_width(stored) / 8, 1), open = 0;
  for (const Dim& dim : *type.shape) {
    dims.push_back(dim.size);
    if (dim.known()) known *= static_cast<std::size_t>(dim.size);
    if (!dim.known()) ++open;
  }
  if (open > 1) {
    refuse(file, fmt::format("the model's input '{}' is {}: more than one size is open; write them into the "
                             "configuration ({})",
                             input.name, to_text(type), where));
  }
  if (open == 1 && known > 0 && bytes > 0 && bytes % known == 0) {
    *std::find(dims.begin(), dims.end(), -1) = static_cast<std::int64_t>(bytes / known);
    return dims;
  }
  if (open == 0 && bytes == known) return dims;
  refuse(file, fmt::format(
                   "the file has {} bytes, and the model's input '{}' ({}) takes {}{} as {}{}", bytes,
                   input.name, to_text(type), open ? "a multiple of " : "", known, to_text(stored),
                   is_picture_file(file) ? "; pictures are not read, only the numbers that they hold" : ""));
}

std::vector<std::string> files_in(const RawInput& input, Diagnostics& diagnostics) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator at(input.folder, failed), end; !failed && at != end; at.increment(failed)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with('.') && !at->is_directory()) names.push_back(name);
  }
  if (failed) {
    diagnostics.error(codes::kBadSample,
                      fmt::format("the folder of samples for the model's input '{}' cannot be read: {}",
                                  input.port.name, failed.message()),
                      {input.folder, 0, 0});
  } else if (names.empty()) {
    diagnostics.error(codes::kBadSample,
                      fmt::format("here is no file for the model's input '{}'", input.port.name),
                      {input.folder, 0, 0});
  }
  std::sort(names.begin(), names.end());
  return names;
}

void check_raw_sample(const std::string& file, const RawInput& input, Diagnostics& diagnostics) {
  try {
    if (is_npy(file)) {
      const NpyHeader header = read_npy_header(file);
      check_types(file, input, header.dtype);
      check_dims(file, input, header.dims);
    } else {
      check_types(file, input, stored_type(input));
      dims_of(file, input, static_cast<std::size_t>(fs::file_size(file)));
    }
  } catch (const Fatal& wrong) {
    for (const Diagnostic& each : wrong.diagnostics()) diagnostics.add(each);
  } catch (const fs::filesystem_error& error) {
    diagnostics.error(codes::kFileAccess, error.code().message(), {file, 0, 0});
  }
}

Tensor read_raw_sample(const std::string& file, const RawInput& input) {
  Tensor tensor = is_npy(file) ? read_npy(file) : read_headless(file, input);
  check_types(file, input, tensor.dtype());
  check_dims(file, input, tensor.dims());
  if (tensor.dtype() == DType::kUInt8 && input.port.type.is_tensor_of(DType::kFloat32)) {
    tensor = as_floats(tensor);
  }
  return tensor;
}

}  // namespace qprep
