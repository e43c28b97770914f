#include "support/atomic_file.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "support/codes.h"
#include "support/diagnostics.h"
#include "support/temporary_names.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::size_t kBufferSize = std::size_t{1} << 18;
constexpr std::size_t kLongestName = 255;

std::filesystem::path temporary_beside(const std::filesystem::path& target) {
  static std::atomic<unsigned> counter = 0;
  const std::string suffix = fmt::format(".{}-{}.tmp", ::getpid(), counter++);
  std::string name = "." + target.filename().string();
  name.resize(std::min(name.size(), kLongestName - suffix.size()));
  return target.parent_path() / (name + suffix);
}

}  // namespace

void AtomicFile::fail(std::string_view doing, int error) const {
  throw Fatal(codes::kFileAccess,
              fmt::format("cannot {} '{}': {}", doing, target_.string(), error_text(error)));
}

AtomicFile::AtomicFile(const std::filesystem::path& target, bool durable)
    : target_(target), durable_(durable) {
  struct stat status = {};
  const bool exists = ::stat(target_.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {
    throw Fatal(codes::kFileAccess, fmt::format("cannot write '{}': it is {}", target_.string(),
                                                S_ISDIR(status.st_mode) ? "a directory" : "no regular file"));
  }
  // Registered before it exists, so that no signal finds a file that nothing would remove.
  do {
    if (registration_ != 0) forget_temporary(std::exchange(registration_, 0));
    temporary_ = temporary_beside(target_);
    registration_ = remember_temporary(temporary_.string());
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EEXIST);
  if (descriptor_ < 0) {
    const int error = errno;
    forget_temporary(registration_);
    fail("write", error);
  }
  if (exists) static_cast<void>(::fchmod(descriptor_, status.st_mode & 07777));
  buffer_.reserve(kBufferSize);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (registration_ == 0) return;
  ::unlink(temporary_.c_str());
  forget_temporary(registration_);
}

void AtomicFile::write_out(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::flush() {
  write_out(buffer_);
  buffer_.clear();
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  size_ += bytes.size();
  if (buffer_.size() + bytes.size() > kBufferSize) flush();
  if (bytes.size() >= kBufferSize) {
    write_out(bytes);
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void AtomicFile::write_zeros(std::size_t count) {
  static constexpr std::byte kZeros[4096] = {};
  for (; count > 0; count -= std::min(count, sizeof(kZeros))) {
    write(std::span(kZeros, std::min(count, sizeof(kZeros))));
  }
}

void AtomicFile::write_from(int descriptor, std::uint64_t offset, std::span<const std::byte> bytes) {
  if (bytes.size() < kBufferSize) {
    write(bytes);
    return;
  }
  flush();
  size_ += bytes.size();
  auto from = static_cast<off_t>(offset);
  while (!bytes.empty()) {
    const ssize_t copied = ::copy_file_range(descriptor, &from, descriptor_, nullptr, bytes.size(), 0);
    if (copied < 0 && errno == EINTR) continue;
    if (copied < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO)) {
      fail("write", errno);
    }
    if (copied == 0) {
      throw Fatal(codes::kFileAccess,
                  fmt::format("cannot write '{}': the file that its data come from became "
                              "shorter meanwhile",
                              target_.string()));
    }
    if (copied < 0) break;
    bytes = bytes.subspan(static_cast<std::size_t>(copied));
  }
  write_out(bytes);
}

void AtomicFile::remove_target() {
  if (::unlink(target_.c_str()) != 0 && errno != ENOENT) fail("replace", errno);
}

void AtomicFile::commit() {
  flush();
  if (durable_ && ::fsync(descriptor_) != 0) fail("write", errno);
  // Some file systems report a failed write only here.
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) fail("write", errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("write", errno);
  forget_temporary(std::exchange(registration_, 0));
  if (!durable_) return;
  const std::filesystem::path folder = target_.has_parent_path() ? target_.parent_path() : ".";
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) fail("make sure that the disk has", errno);
  const int result = ::fsync(directory);
  const int error = errno;
  ::close(directory);
  if (result != 0) fail("make sure that the disk has", error);
}

void write_file_atomically(const std::filesystem::path& target, std::string_view text, bool durable) {
  AtomicFile file(target, durable);
  file.write(text);
  file.commit();
}

}  // namespace qprep
