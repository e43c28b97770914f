#include "samples/sample_file.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "samples/npy.h"
#include "samples/npz.h"
#include "samples/raw_samples.h"
#include "support/codes.h"
#include "support/mapped_file.h"

namespace qprep {
namespace {

[[noreturn]] void refuse(const std::string& file, std::string message) {
  throw Fatal(codes::kBadSample, std::move(message), {file, 0, 0});
}

NamedTensor read_proto(const std::string& file, const ProtoReader& protos) {
  if (!protos) refuse(file, "ONNX tensors (.pb) are not read here");
  return protos(file);
}

DType raw_dtype(const SampleInput& input) { return input.spec.raw.dtype.value_or(input.port.type.dtype); }

Dims raw_dims(const std::string& file, const SampleInput& input, std::size_t bytes) {
  const RawNumbers& raw = input.spec.raw;
  const DType dtype = raw_dtype(input);
  if (!raw.shape) return headless_dims(file, input.port, dtype, bytes, "calibration.inputs, 'raw'");
  const std::optional<std::int64_t> count = element_count(*raw.shape);
  const auto wanted = count ? payload_size(dtype, static_cast<std::uint64_t>(*count)) : std::nullopt;
  if (wanted == bytes) return *raw.shape;
  refuse(file,
         fmt::format("the file has {} bytes, and the shape [{}] that 'raw' says ({}) takes {} as {}; the "
                     "model's input '{}' is {}",
                     bytes, fmt::join(*raw.shape, ","), to_text(raw.where),
                     wanted ? fmt::to_string(*wanted) : "more than any file has", to_text(dtype),
                     input.port.name, to_text(input.port.type)));
}

/// Of the whole file.
TensorHeader whole_header(const StoredTensor& stored, const SampleInput& input, const ProtoReader& protos) {
  switch (format_of(stored.file)) {
    case FileFormat::kNpz: {
      const NpyHeader header = NpzFile::open(stored.file).header(stored.member);
      return {header.dtype, header.dims};
    }
    case FileFormat::kProto: {
      const Tensor tensor = read_proto(stored.file, protos).tensor;
      return {tensor.dtype(), tensor.dims()};
    }
    case FileFormat::kRaw:
      return {raw_dtype(input), raw_dims(stored.file, input, MappedFile::open(stored.file)->bytes().size())};
    case FileFormat::kPicture: {
      const PixelSize size = picture_size(stored.file);
      return {DType::kUInt8, {size.height, size.width, 3}};
    }
    case FileFormat::kNpy:
    case FileFormat::kNone:
      break;
  }
  const NpyHeader header = read_npy_header(stored.file);
  return {header.dtype, header.dims};
}

Tensor read_whole(const StoredTensor& stored, const SampleInput& input, const ProtoReader& protos) {
  switch (format_of(stored.file)) {
    case FileFormat::kNpz:
      return NpzFile::open(stored.file).read(stored.member);
    case FileFormat::kProto:
      return read_proto(stored.file, protos).tensor;
    case FileFormat::kRaw: {
      const std::shared_ptr<const MappedFile> mapped = MappedFile::open(stored.file);
      return Tensor(raw_dtype(input), raw_dims(stored.file, input, mapped->bytes().size()), mapped->bytes(),
                    mapped);
    }
    case FileFormat::kPicture: {
      Picture picture = read_picture(stored.file);
      return Tensor::of(DType::kUInt8, {picture.size.height, picture.size.width, picture.channels},
                        std::move(picture.pixels));
    }
    case FileFormat::kNpy:
    case FileFormat::kNone:
      break;
  }
  return read_npy(stored.file);
}

}  // namespace

const char* const kFormatsText = ".npy, .npz, .pb, .bin, .raw, .jpg, .jpeg, .png and .bmp";

FileFormat format_of(const std::string& file) {
  const std::string extension = std::filesystem::path(file).extension().string();
  if (extension == ".npy") return FileFormat::kNpy;
  if (extension == ".npz") return FileFormat::kNpz;
  if (extension == ".pb") return FileFormat::kProto;
  if (extension == ".bin" || extension == ".raw") return FileFormat::kRaw;
  return is_picture_file(file) ? FileFormat::kPicture : FileFormat::kNone;
}

TensorHeader header_of(const StoredTensor& stored, const SampleInput& input, const ProtoReader& protos) {
  TensorHeader header = whole_header(stored, input, protos);
  if (stored.part) header.dims.at(0) = 1;
  return header;
}

namespace {

Tensor part_of(const Tensor& whole, const StoredTensor& stored) {
  if (whole.dims().empty() || *stored.part >= whole.dims()[0])
    refuse(stored.file, "it has become smaller while it was in use");
  return slice(whole, *stored.part);
}

}  // namespace

Tensor read_stored(const StoredTensor& stored, const SampleInput& input, const ProtoReader& protos) {
  Tensor tensor = read_whole(stored, input, protos);
  return stored.part ? part_of(tensor, stored) : tensor;
}

Tensor PartReader::read(const StoredTensor& stored, const SampleInput& input, const ProtoReader& protos) {
  if (!stored.part) return read_stored(stored, input, protos);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!whole_ || last_.file != stored.file || last_.member != stored.member) {
    whole_ = read_whole(stored, input, protos);
    last_ = stored;
  }
  return part_of(*whole_, stored);
}

Tensor slice(const Tensor& tensor, std::int64_t i, bool drop_axis) {
  Dims dims = tensor.dims();
  const std::size_t size = tensor.bytes().size() / static_cast<std::size_t>(dims.at(0));
  dims[0] = 1;
  if (drop_axis) dims.erase(dims.begin());
  return Tensor(tensor.dtype(), std::move(dims),
                tensor.bytes().subspan(static_cast<std::size_t>(i) * size, size), tensor.owner());
}

}  // namespace qprep
