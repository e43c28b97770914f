#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// A model's message without its payloads: every TensorProto.raw_data, wherever it stands, holds instead the
/// number of its payload (8 bytes, little-endian). protobuf then parses and writes kilobytes instead of
/// gigabytes.
namespace qprep {

using PayloadIndex = std::uint64_t;

/// What a placeholder in raw_data looks like, and back. Given for the latter: it is one.
std::string placeholder(PayloadIndex index);
PayloadIndex payload_index(std::string_view raw_data);

struct Skeleton {
  std::string bytes;
  std::vector<std::span<const std::byte>> payloads;  // views into the message
};

/// Given: `message` is a ModelProto. wire::Malformed (offsets into `message`) if it is none, or if its graphs
/// nest deeper than protobuf reads.
Skeleton strip_payloads(std::span<const std::byte> message);

/// The message that a skeleton stands for, once its payloads are back.
class Expansion {
 public:
  /// Given: `skeleton` is a ModelProto in which every raw_data is a placeholder, and `payload_sizes` says how
  /// long each is.
  Expansion(std::string skeleton, std::vector<std::uint64_t> payload_sizes);

  std::uint64_t size() const { return size_; }

  /// Calls text and payload with the pieces of the message, in order.
  void write(const std::function<void(std::string_view)>& text,
             const std::function<void(PayloadIndex)>& payload) const;

 private:
  std::string skeleton_;
  std::vector<std::uint64_t> payload_sizes_;
  std::vector<std::uint64_t> lengths_;  // of every message that holds tensors, in order of appearance
  std::uint64_t size_ = 0;
};

}  // namespace qprep
