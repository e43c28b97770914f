#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>

/// protobuf's wire format, as far as a walk over messages needs it.
namespace qprep::wire {

/// Bytes that are no message. `offset` counts from the start of the walked bytes.
struct Malformed : std::runtime_error {
  Malformed(std::size_t at, const char* what) : std::runtime_error(what), offset(at) {}
  std::size_t offset;
};

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

/// One field of a message.
struct Field {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::size_t begin = 0;  // of its tag
  std::size_t value = 0;  // of what follows the tag, or of the contents of a length-delimited field
  std::size_t end = 0;
};

/// Reads the fields of the message that is bytes[begin, end), in order. Offsets are into `bytes`.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, std::size_t begin, std::size_t end)
      : bytes_(bytes), at_(begin), end_(end) {}

  bool done() const { return at_ == end_; }
  /// Given: !done(). Malformed if the field is cut off, too long, or of a kind that ONNX does not use
  /// (a group).
  Field next();

 private:
  std::uint64_t varint();
  void skip(std::uint64_t count, const char* what);

  std::span<const std::byte> bytes_;
  std::size_t at_;
  std::size_t end_;
};

/// Bytes that the varint of `value` takes.
std::size_t varint_size(std::uint64_t value);

/// Appends the varint of `value` to anything with push_back(char).
template <typename Text>
void append_varint(Text& text, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) text.push_back(static_cast<char>((value & 0x7f) | 0x80));
  text.push_back(static_cast<char>(value));
}

}  // namespace qprep::wire
