#include "support/scratch.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "support/parallel.h"

namespace qprep {
namespace {

constexpr std::size_t kSmallestFile = std::size_t{1} << 22;

/// Calls piece(offset, size) for every piece of a payload.
template <typename Piece>
void for_each_piece(std::size_t size, const Piece& piece) {
  const std::size_t count = (size + kScratchPiece - 1) / kScratchPiece;
  parallel_for(count, 0, [&](std::size_t i) {
    const std::size_t offset = i * kScratchPiece;
    piece(offset, std::min(kScratchPiece, size - offset));
  });
}

/// A descriptor that closes itself; -1: none.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

int open_file_without_name() {
  std::error_code none;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(none);
  return none ? -1 : ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

bool write_at(int descriptor, std::size_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::size_t>(written);
  }
  return true;
}

/// Empty where there can be no such file. Written, not mapped, while it is made: a mapped page without a
/// block would end the process (SIGBUS), and each would cost a fault.
Scratch scratch_file(std::size_t size, const FillPiece& fill) {
  const Descriptor file(open_file_without_name());
  if (file.number() < 0) return {};
  std::atomic<bool> whole = true;
  for_each_piece(size, [&](std::size_t offset, std::size_t piece_size) {
    if (!whole) return;
    thread_local std::vector<std::byte> piece(kScratchPiece);
    const std::span<std::byte> bytes(piece.data(), piece_size);
    fill(offset, bytes);
    if (!write_at(file.number(), offset, bytes)) whole = false;
  });
  if (!whole) return {};
  void* const address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.number(), 0);
  if (address == MAP_FAILED) return {};
  const auto unmap = [size](const void* mapped) { ::munmap(const_cast<void*>(mapped), size); };
  return {std::shared_ptr<const void>(address, unmap), {static_cast<const std::byte*>(address), size}};
}

Scratch scratch_memory(std::size_t size, const FillPiece& fill) {
  const auto memory = std::make_shared<std::vector<std::byte>>(size);
  for_each_piece(size, [&](std::size_t offset, std::size_t piece_size) {
    fill(offset, std::span(*memory).subspan(offset, piece_size));
  });
  return {memory, *memory};
}

}  // namespace

Scratch scratch(std::size_t size, const FillPiece& fill) {
  if (size >= kSmallestFile) {
    if (Scratch made = scratch_file(size, fill); made.owner) return made;
  }
  return scratch_memory(size, fill);
}

}  // namespace qprep
