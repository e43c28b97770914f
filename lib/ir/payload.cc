#include "ir/payload.h"

#include <algorithm>

#include "support/parallel.h"

namespace qprep {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
/// Pieces that are computed at once for each core.
constexpr std::size_t kAhead = 4;

}  // namespace

std::span<const std::byte> ComputedPayload::whole() const {
  std::call_once(once_, [this] { whole_ = scratch(size_, fill_); });
  return whole_.bytes;
}

std::span<const std::byte> Payload::piece(std::size_t offset, std::size_t size,
                                          std::vector<std::byte>& room) const {
  if (!computed_) return bytes_.subspan(offset, size);
  if (room.size() < size) room.resize(size);
  const std::span<std::byte> filled(room.data(), size);
  computed_->fill(offset, filled);
  return filled;
}

void Payload::for_each_piece(const std::function<void(std::span<const std::byte>)>& visit) const {
  if (!computed_) return visit(bytes_);
  std::vector<std::byte> room(std::min(size(), kAhead * hardware_threads() * kPiece));
  for (std::size_t offset = 0; offset < size();) {
    const std::span<std::byte> batch(room.data(), std::min(room.size(), size() - offset));
    parallel_for((batch.size() + kPiece - 1) / kPiece, 0, [&](std::size_t i) {
      const std::size_t first = i * kPiece;
      computed_->fill(offset + first, batch.subspan(first, std::min(kPiece, batch.size() - first)));
    });
    visit(batch);
    offset += batch.size();
  }
}

}  // namespace qprep
