#include "support/mapped_file.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "support/codes.h"
#include "support/diagnostics.h"
#include "support/text.h"

namespace qprep {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what) {
  throw Fatal(codes::kFileAccess, fmt::format("cannot read '{}': {}", path.string(), what));
}

std::string_view kind_of(const struct stat& status) {
  if (S_ISDIR(status.st_mode)) return "it is a directory";
  if (S_ISFIFO(status.st_mode)) return "it is a FIFO, not a regular file";
  if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) return "it is a device, not a regular file";
  return "it is not a regular file";
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path, Descriptor descriptor) {
  std::shared_ptr<MappedFile> file(new MappedFile());
  file->path_ = path;
  file->descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file->descriptor_ < 0) fail(path, error_text(errno));
  struct stat status = {};
  if (::fstat(file->descriptor_, &status) != 0) fail(path, error_text(errno));
  if (!S_ISREG(status.st_mode)) fail(path, kind_of(status));
  file->identity_ = {status.st_dev, status.st_ino};

  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > 0) {
    void* const address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file->descriptor_, 0);
    if (address == MAP_FAILED) fail(path, error_text(errno));
    file->bytes_ = {static_cast<const std::byte*>(address), size};
  }
  if (descriptor == Descriptor::kClose) ::close(std::exchange(file->descriptor_, -1));
  return file;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace qprep
