#include "onnx_io/skeleton.h"

#include <cstring>
#include <stdexcept>

#include "onnx_io/wire.h"

namespace qprep {
namespace {

using wire::Cursor;
using wire::Field;
using wire::WireType;

/// The messages on the way from a model to its payloads.
enum class Message {
  kModel,
  kGraph,
  kNode,
  kAttribute,
  kFunction,
  kTraining,
  kTensor,
  kSparse,
  kPayload,
  kOther
};

/// What the length-delimited field `number` of `message` is. The numbers are those of onnx.proto.
Message field_kind(Message message, std::uint32_t number) {
  switch (message) {
    case Message::kModel:
      if (number == 7) return Message::kGraph;      // graph
      if (number == 20) return Message::kTraining;  // training_info
      if (number == 25) return Message::kFunction;  // functions
      break;
    case Message::kGraph:
      if (number == 1) return Message::kNode;     // node
      if (number == 5) return Message::kTensor;   // initializer
      if (number == 15) return Message::kSparse;  // sparse_initializer
      break;
    case Message::kNode:
      if (number == 5) return Message::kAttribute;  // attribute
      break;
    case Message::kAttribute:
      if (number == 5 || number == 10) return Message::kTensor;   // t, tensors
      if (number == 6 || number == 11) return Message::kGraph;    // g, graphs
      if (number == 22 || number == 23) return Message::kSparse;  // sparse_tensor, sparse_tensors
      break;
    case Message::kFunction:
      if (number == 7) return Message::kNode;        // node
      if (number == 11) return Message::kAttribute;  // attribute_proto
      break;
    case Message::kTraining:
      if (number == 1 || number == 2) return Message::kGraph;  // initialization, algorithm
      break;
    case Message::kSparse:
      if (number == 1 || number == 2) return Message::kTensor;  // values, indices
      break;
    case Message::kTensor:
      if (number == 9) return Message::kPayload;  // raw_data
      break;
    case Message::kPayload:
    case Message::kOther:
      break;
  }
  return Message::kOther;
}

Message kind_of(Message message, const Field& field) {
  return field.type == WireType::kLength ? field_kind(message, field.number) : Message::kOther;
}

constexpr std::size_t kPlaceholderSize = sizeof(PayloadIndex);
/// As deep as protobuf reads messages.
constexpr int kDeepest = 100;

std::string_view text_of(std::span<const std::byte> bytes, std::size_t begin, std::size_t end) {
  return {reinterpret_cast<const char*>(bytes.data()) + begin, end - begin};
}

/// Bytes that a message's length takes in a skeleton: it is known only after the contents, so it always has
/// the room of the largest. protobuf reads such numbers too.
constexpr std::size_t kLengthSize = 5;

void store_length(std::string& text, std::size_t at, std::uint64_t length) {
  for (std::size_t i = 0; i < kLengthSize; ++i, length >>= 7) {
    const std::uint64_t more = i + 1 < kLengthSize ? 0x80 : 0;
    text[at + i] = static_cast<char>((length & 0x7f) | more);
  }
}

/// Copies messages without payloads.
class Stripper {
 public:
  Stripper(std::span<const std::byte> message, Skeleton& result) : message_(message), result_(result) {}

  void strip(Message message, std::size_t begin, std::size_t end, int depth) {
    if (depth > kDeepest) throw wire::Malformed(begin, "graphs nest too deep");
    std::size_t copied = begin;
    for (Cursor cursor(message_, begin, end); !cursor.done();) {
      const Field field = cursor.next();
      const Message kind = kind_of(message, field);
      if (kind == Message::kOther) continue;
      copy(copied, field.begin);
      copied = field.end;
      wire::append_varint(result_.bytes, std::uint64_t{field.number} << 3 | 2);
      if (kind == Message::kPayload) {
        wire::append_varint(result_.bytes, kPlaceholderSize);
        result_.bytes += placeholder(result_.payloads.size());
        result_.payloads.push_back(message_.subspan(field.value, field.end - field.value));
        continue;
      }
      const std::size_t length_at = result_.bytes.size();
      result_.bytes.append(kLengthSize, '\0');
      strip(kind, field.value, field.end, depth + 1);
      store_length(result_.bytes, length_at, result_.bytes.size() - length_at - kLengthSize);
    }
    copy(copied, end);
  }

 private:
  void copy(std::size_t begin, std::size_t end) { result_.bytes += text_of(message_, begin, end); }

  std::span<const std::byte> message_;
  Skeleton& result_;
};

/// The lengths that messages have when their payloads are back.
class Measurer {
 public:
  Measurer(std::span<const std::byte> skeleton, std::span<const std::uint64_t> payload_sizes,
           std::vector<std::uint64_t>& lengths)
      : skeleton_(skeleton), payload_sizes_(payload_sizes), lengths_(lengths) {}

  std::uint64_t measure(Message message, std::size_t begin, std::size_t end) {
    std::uint64_t size = 0;
    for (Cursor cursor(skeleton_, begin, end); !cursor.done();) {
      const Field field = cursor.next();
      const Message kind = kind_of(message, field);
      if (kind == Message::kOther) {
        size += field.end - field.begin;
        continue;
      }
      std::uint64_t length = 0;
      if (kind == Message::kPayload) {
        length = payload_sizes_[payload_index(text_of(skeleton_, field.value, field.end))];
      } else {
        const std::size_t slot = lengths_.size();
        lengths_.push_back(0);
        length = measure(kind, field.value, field.end);
        lengths_[slot] = length;
      }
      size += wire::varint_size(std::uint64_t{field.number} << 3) + wire::varint_size(length) + length;
    }
    return size;
  }

 private:
  std::span<const std::byte> skeleton_;
  std::span<const std::uint64_t> payload_sizes_;
  std::vector<std::uint64_t>& lengths_;
};

/// Walks as Measurer does, and hands out the pieces.
class Writer {
 public:
  Writer(std::span<const std::byte> skeleton, std::span<const std::uint64_t> payload_sizes,
         std::span<const std::uint64_t> lengths, const std::function<void(std::string_view)>& text,
         const std::function<void(PayloadIndex)>& payload)
      : skeleton_(skeleton),
        payload_sizes_(payload_sizes),
        lengths_(lengths),
        text_(text),
        payload_(payload) {}

  void write(Message message, std::size_t begin, std::size_t end) {
    std::size_t written = begin;
    for (Cursor cursor(skeleton_, begin, end); !cursor.done();) {
      const Field field = cursor.next();
      const Message kind = kind_of(message, field);
      if (kind == Message::kOther) continue;
      copy(written, field.begin);
      written = field.end;
      if (kind == Message::kPayload) {
        const PayloadIndex index = payload_index(text_of(skeleton_, field.value, field.end));
        write_head(field.number, payload_sizes_[index]);
        payload_(index);
      } else {
        write_head(field.number, lengths_[next_++]);
        write(kind, field.value, field.end);
      }
    }
    copy(written, end);
  }

 private:
  void copy(std::size_t begin, std::size_t end) {
    if (begin < end) text_(text_of(skeleton_, begin, end));
  }

  void write_head(std::uint32_t number, std::uint64_t length) {
    head_.clear();
    wire::append_varint(head_, std::uint64_t{number} << 3 | 2);
    wire::append_varint(head_, length);
    text_(head_);
  }

  std::span<const std::byte> skeleton_;
  std::span<const std::uint64_t> payload_sizes_;
  std::span<const std::uint64_t> lengths_;
  const std::function<void(std::string_view)>& text_;
  const std::function<void(PayloadIndex)>& payload_;
  std::size_t next_ = 0;
  std::string head_;
};

}  // namespace

std::string placeholder(PayloadIndex index) {
  std::string text(kPlaceholderSize, '\0');
  std::memcpy(text.data(), &index, kPlaceholderSize);
  return text;
}

PayloadIndex payload_index(std::string_view raw_data) {
  if (raw_data.size() != kPlaceholderSize) throw std::logic_error("raw_data is no placeholder");
  PayloadIndex index = 0;
  std::memcpy(&index, raw_data.data(), kPlaceholderSize);
  return index;
}

Skeleton strip_payloads(std::span<const std::byte> message) {
  Skeleton skeleton;
  Stripper(message, skeleton).strip(Message::kModel, 0, message.size(), 0);
  return skeleton;
}

Expansion::Expansion(std::string skeleton, std::vector<std::uint64_t> payload_sizes)
    : skeleton_(std::move(skeleton)), payload_sizes_(std::move(payload_sizes)) {
  const auto bytes = std::as_bytes(std::span(skeleton_));
  size_ = Measurer(bytes, payload_sizes_, lengths_).measure(Message::kModel, 0, bytes.size());
}

void Expansion::write(const std::function<void(std::string_view)>& text,
                      const std::function<void(PayloadIndex)>& payload) const {
  const auto bytes = std::as_bytes(std::span(skeleton_));
  Writer(bytes, payload_sizes_, lengths_, text, payload).write(Message::kModel, 0, bytes.size());
}

}  // namespace qprep
