#include "onnx_io/wire.h"

namespace qprep::wire {

std::uint64_t Cursor::varint() {
  constexpr int kMostBytes = 10;
  const std::size_t start = at_;
  std::uint64_t value = 0;
  for (int i = 0; i < kMostBytes; ++i) {
    if (at_ == end_) throw Malformed(start, "a number is cut off");
    const auto byte = std::to_integer<std::uint64_t>(bytes_[at_++]);
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return value;
  }
  throw Malformed(start, "a number has more than ten bytes");
}

void Cursor::skip(std::uint64_t count, const char* what) {
  if (count > end_ - at_) throw Malformed(at_, what);
  at_ += static_cast<std::size_t>(count);
}

Field Cursor::next() {
  Field field;
  field.begin = at_;
  const std::uint64_t tag = varint();
  constexpr std::uint64_t kLargestTag = 0xffffffff;
  if (tag > kLargestTag || tag >> 3 == 0) throw Malformed(field.begin, "a field has no valid number");
  field.number = static_cast<std::uint32_t>(tag >> 3);
  field.value = at_;
  switch (tag & 7) {
    case 0:
      field.type = WireType::kVarint;
      varint();
      break;
    case 1:
      field.type = WireType::kFixed64;
      skip(8, "a fixed-size field is cut off");
      break;
    case 2: {
      field.type = WireType::kLength;
      const std::uint64_t length = varint();
      field.value = at_;
      skip(length, "a field goes on after the end of what holds it");
      break;
    }
    case 5:
      field.type = WireType::kFixed32;
      skip(4, "a fixed-size field is cut off");
      break;
    default:
      throw Malformed(field.begin, "a field is of a kind that ONNX does not use");
  }
  field.end = at_;
  return field;
}

std::size_t varint_size(std::uint64_t value) {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

}  // namespace qprep::wire
