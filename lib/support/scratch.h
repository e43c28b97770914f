#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

namespace qprep {

/// A payload that was computed. Large ones are pages of a temporary file without a name, which the kernel may
/// move to the disk, so that a model's weights need not fit into memory; where there is no room for such a
/// file, and for small ones, they are ordinary memory.
struct Scratch {
  std::shared_ptr<const void> owner;
  std::span<const std::byte> bytes;
};

/// Writes bytes [offset, offset + piece.size()) of a payload into `piece`.
using FillPiece = std::function<void(std::size_t offset, std::span<std::byte> piece)>;

/// Offsets and sizes of pieces are multiples of it, but for the size of the last one.
inline constexpr std::size_t kScratchPiece = std::size_t{1} << 20;

/// Result: a payload of `size` bytes that `fill` has filled, piece by piece, on several threads and in no
/// particular order; a piece may be filled twice. Throws std::bad_alloc if there is no memory either, and
/// what `fill` throws.
Scratch scratch(std::size_t size, const FillPiece& fill);

}  // namespace qprep
