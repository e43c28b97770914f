#include "samples/npy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "support/codes.h"
#include "support/diagnostics.h"
#include "support/mapped_file.h"

namespace qprep {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxRank = 64;  // NumPy's own limit
/// A header is a line of text; this is far above any that NumPy writes for these dtypes.
constexpr std::size_t kMaxHeader = 65536;

struct Code {
  std::string_view text;  // after the byte order
  DType dtype;
};

constexpr std::array<Code, 14> kCodes = {{{"b1", DType::kBool},
                                          {"i1", DType::kInt8},
                                          {"u1", DType::kUInt8},
                                          {"i2", DType::kInt16},
                                          {"u2", DType::kUInt16},
                                          {"i4", DType::kInt32},
                                          {"u4", DType::kUInt32},
                                          {"i8", DType::kInt64},
                                          {"u8", DType::kUInt64},
                                          {"f2", DType::kFloat16},
                                          {"f4", DType::kFloat32},
                                          {"f8", DType::kFloat64},
                                          {"c8", DType::kComplex64},
                                          {"c16", DType::kComplex128}}};

[[noreturn]] void refuse(const std::string& file, std::string message) {
  throw Fatal(codes::kBadSample, std::move(message), {file});
}

/// The header's text: a Python dictionary with the keys descr, fortran_order and shape, in any order.
class HeaderText {
 public:
  HeaderText(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  NpyHeader parse() {
    NpyHeader header;
    bool has_descr = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !has_descr) {
        header.dtype = dtype();
        has_descr = true;
      } else if (key == "fortran_order" && !has_order) {
        header.fortran_order = boolean();
        has_order = true;
      } else if (key == "shape" && !has_shape) {
        header.dims = shape();
        has_shape = true;
      } else {
        broken();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (!text_.empty() || !has_descr || !has_order || !has_shape) broken();
    return header;
  }

 private:
  [[noreturn]] void broken() const {
    refuse(file_, "its .npy header is not {'descr': ..., 'fortran_order': ..., 'shape': ...}");
  }

  void skip_spaces() { text_.remove_prefix(std::min(text_.find_first_not_of(" \n\t\r"), text_.size())); }

  bool accept(char wanted) {
    skip_spaces();
    if (!text_.starts_with(wanted)) return false;
    text_.remove_prefix(1);
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) broken();
  }

  std::string_view quoted() {
    skip_spaces();
    const char quote = text_.empty() ? '\0' : text_.front();
    if (quote != '\'' && quote != '"') broken();
    const std::size_t end = text_.find(quote, 1);
    if (end == text_.npos) broken();
    const std::string_view word = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return word;
  }

  bool boolean() {
    skip_spaces();
    for (const std::string_view word : {"True", "False"}) {
      if (!text_.starts_with(word)) continue;
      text_.remove_prefix(word.size());
      return word == "True";
    }
    broken();
  }

  DType dtype() {
    skip_spaces();
    if (text_.starts_with('[')) refuse(file_, "it holds records; a sample is an array of numbers");
    const std::string_view descr = quoted();
    if (descr.starts_with('|') && descr.substr(1, 1) == "O") {
      refuse(file_, "it holds pickled Python objects; a sample is an array of numbers");
    }
    const std::string_view code = descr.substr(std::min<std::size_t>(1, descr.size()));
    const auto* known =
        std::find_if(kCodes.begin(), kCodes.end(), [&](const Code& c) { return c.text == code; });
    if (known == kCodes.end()) {
      refuse(file_,
             fmt::format("its dtype '{}' is none of bool, integers, floats and complex numbers", descr));
    }
    if (descr.front() == '>') refuse(file_, "its numbers are big-endian; save them little-endian ('<')");
    const bool one_byte = code.back() == '1' && code.size() == 2;
    if (descr.front() != '<' && !(one_byte && descr.front() == '|')) broken();
    return known->dtype;
  }

  Dims shape() {
    Dims dims;
    expect('(');
    while (!accept(')')) {
      std::int64_t size = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0 || dims.size() == kMaxRank) broken();
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      dims.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
      skip_spaces();
    }
    return dims;
  }

  std::string_view text_;
  const std::string& file_;
};

/// Elements in column-major order to row-major order.
std::vector<std::byte> to_row_major(std::span<const std::byte> bytes, const Dims& dims, std::size_t width) {
  std::vector<std::byte> result(bytes.size());
  std::vector<std::size_t> stride(dims.size()), index(dims.size(), 0);
  std::size_t step = width;
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    stride[axis] = step;
    step *= static_cast<std::size_t>(dims[axis]);
  }
  std::size_t from = 0;
  for (std::size_t to = 0; to < bytes.size(); to += width) {
    __builtin_memcpy(result.data() + to, bytes.data() + from, width);
    for (std::size_t axis = dims.size(); axis-- > 0;) {
      from += stride[axis];
      if (++index[axis] < static_cast<std::size_t>(dims[axis])) break;
      from -= stride[axis] * index[axis];
      index[axis] = 0;
    }
  }
  return result;
}

std::uint8_t byte_at(std::span<const std::byte> bytes, std::size_t i) {
  return std::to_integer<std::uint8_t>(bytes[i]);
}

}  // namespace

NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& file) {
  return parse_npy_header(bytes, file, bytes.size());
}

NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& file, std::size_t file_size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(kMagic)) {
    refuse(file, bytes.empty() ? "it is empty, not a .npy file"
                               : "it is no .npy file: it does not begin with \\x93NUMPY");
  }
  if (bytes.size() < kMagic.size() + 2) refuse(file, "it ends inside its .npy header");
  const unsigned major = byte_at(bytes, kMagic.size()), minor = byte_at(bytes, kMagic.size() + 1);
  if (major < 1 || major > 3 || minor != 0) {
    refuse(file, fmt::format("its .npy version is {}.{}; 1.0, 2.0 and 3.0 exist", major, minor));
  }

  const std::size_t length_bytes = major == 1 ? 2 : 4;
  const std::size_t start = kMagic.size() + 2 + length_bytes;
  if (bytes.size() < start) refuse(file, "it ends inside its .npy header");
  std::size_t length = 0;
  for (std::size_t i = length_bytes; i-- > 0;) length = length * 256 + byte_at(bytes, kMagic.size() + 2 + i);
  if (length > bytes.size() - start) refuse(file, "it ends inside its .npy header");
  if (length > kMaxHeader)
    refuse(file,
           fmt::format("its .npy header is {} bytes long; at most {} are sensible", length, kMaxHeader));

  NpyHeader header = HeaderText(text.substr(start, length), file).parse();
  header.data_offset = start + length;
  const std::optional<std::int64_t> count = element_count(header.dims);
  const std::optional<std::size_t> size =
      count ? payload_size(header.dtype, static_cast<std::uint64_t>(*count)) : std::nullopt;
  const std::size_t found = file_size - header.data_offset;
  if (!size || *size != found) {
    refuse(file,
           fmt::format("its header says {}[{}], {}, and {} bytes of data follow", to_text(header.dtype),
                       fmt::join(header.dims, ","),
                       size ? fmt::format("that is {} bytes", *size) : "more than memory can hold", found));
  }
  return header;
}

Tensor parse_npy(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                 const std::string& file) {
  const NpyHeader header = parse_npy_header(bytes, file);
  const std::span<const std::byte> data = bytes.subspan(header.data_offset);
  if (header.dtype == DType::kBool &&
      std::any_of(data.begin(), data.end(), [](std::byte b) { return b > std::byte{1}; })) {
    refuse(file, "it holds a bool that is neither 0 nor 1");
  }
  if (header.fortran_order && header.dims.size() > 1) {
    return Tensor::of(header.dtype, header.dims,
                      to_row_major(data, header.dims, bit_width(header.dtype) / 8));
  }
  return Tensor(header.dtype, header.dims, data, std::move(owner));
}

Tensor read_npy(const std::string& path) {
  const auto file = MappedFile::open(path);
  return parse_npy(file->bytes(), file, path);
}

NpyHeader read_npy_header(const std::string& path) {
  return parse_npy_header(MappedFile::open(path)->bytes(), path);
}

std::vector<std::byte> npy_bytes(const Tensor& tensor) {
  const auto* code =
      std::find_if(kCodes.begin(), kCodes.end(), [&](const Code& c) { return c.dtype == tensor.dtype(); });
  if (code == kCodes.end()) throw std::invalid_argument("NumPy has no dtype " + to_text(tensor.dtype()));
  std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                   bit_width(tensor.dtype()) == 8 ? '|' : '<', code->text,
                                   fmt::join(tensor.dims(), ", "), tensor.dims().size() == 1 ? "," : "");
  const std::size_t before = kMagic.size() + 4;
  header.append(63 - (before + header.size()) % 64, ' ');
  header += '\n';

  std::string file(kMagic);
  file += {'\x01', '\x00', static_cast<char>(header.size() % 256), static_cast<char>(header.size() / 256)};
  file += header;
  const auto head = std::as_bytes(std::span<const char>(file));
  std::vector<std::byte> bytes(head.begin(), head.end());
  bytes.insert(bytes.end(), tensor.bytes().begin(), tensor.bytes().end());
  return bytes;
}

}  // namespace qprep
