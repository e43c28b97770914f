#include "support/scratch.h"

#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace qprep {
namespace {

constexpr std::size_t kSmallestFile = std::size_t{1} << 22;

/// -1 where there can be none. Its blocks are reserved: a page without a block would end the process
/// (SIGBUS).
int file_without_name(std::size_t size) {
  std::error_code none;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(none);
  if (none) return -1;
  const int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor < 0) return -1;
  if (::posix_fallocate(descriptor, 0, static_cast<off_t>(size)) == 0) return descriptor;
  ::close(descriptor);
  return -1;
}

std::byte* map_file(std::size_t size) {
  const int descriptor = file_without_name(size);
  if (descriptor < 0) return nullptr;
  void* const address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  ::close(descriptor);
  return address == MAP_FAILED ? nullptr : static_cast<std::byte*>(address);
}

}  // namespace

Scratch scratch(std::size_t size) {
  if (size >= kSmallestFile) {
    if (std::byte* const bytes = map_file(size)) {
      return {std::shared_ptr<void>(bytes, [size](void* address) { ::munmap(address, size); }),
              {bytes, size}};
    }
  }
  const auto memory = std::make_shared<std::vector<std::byte>>(size);
  return {memory, *memory};
}

}  // namespace qprep
