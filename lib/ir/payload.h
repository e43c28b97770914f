#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "support/scratch.h"

namespace qprep {

/// Numbers that follow from others, computed piece by piece wherever they are read, so that a large weight
/// that a pass changed needs neither memory nor a second file. Given: `fill` writes the same bytes for the
/// same offset every time, from any thread.
class ComputedPayload {
 public:
  ComputedPayload(std::size_t size, FillPiece fill) : size_(size), fill_(std::move(fill)) {}

  std::size_t size() const { return size_; }
  /// Writes bytes [offset, offset + piece.size()) into `piece`. Given: both are multiples of the element's
  /// size.
  void fill(std::size_t offset, std::span<std::byte> piece) const { fill_(offset, piece); }
  /// All of it at one address: computed by the first call, kept as scratch() keeps it.
  std::span<const std::byte> whole() const;

 private:
  std::size_t size_;
  FillPiece fill_;
  mutable std::once_flag once_;
  mutable Scratch whole_;
};

/// The bytes of a tensor's elements: in memory (a mapped file, a buffer), or computed where they are read. A
/// view: whoever holds it keeps the owner alive.
class Payload {
 public:
  Payload() = default;
  Payload(std::span<const std::byte> bytes) : bytes_(bytes) {}
  explicit Payload(const ComputedPayload* computed) : computed_(computed) {}

  std::size_t size() const { return computed_ ? computed_->size() : bytes_.size(); }
  bool is_computed() const { return computed_ != nullptr; }
  /// All bytes at one address; a computed payload is stored for it (see ComputedPayload::whole).
  std::span<const std::byte> bytes() const { return computed_ ? computed_->whole() : bytes_; }
  /// Bytes [offset, offset + size): where they are, or computed into `room`, which has to live as long.
  std::span<const std::byte> piece(std::size_t offset, std::size_t size, std::vector<std::byte>& room) const;
  /// Calls visit(piece) for the whole payload in order; a computed one is computed on all cores, some pieces
  /// ahead.
  void for_each_piece(const std::function<void(std::span<const std::byte>)>& visit) const;
  /// Payloads of one size and one key are the same.
  const void* key() const { return computed_ ? static_cast<const void*>(computed_) : bytes_.data(); }

 private:
  std::span<const std::byte> bytes_;
  const ComputedPayload* computed_ = nullptr;
};

}  // namespace qprep
