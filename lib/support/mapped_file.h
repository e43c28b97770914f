#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace qprep {

/// Which file it is, whatever it is called: two paths with one identity are one file.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  friend auto operator<=>(const FileIdentity&, const FileIdentity&) = default;
};

/// A regular file's bytes, mapped read-only: they take no memory until they are read, and the kernel may drop
/// them again. The file must not shrink while it is mapped.
class MappedFile {
 public:
  /// Whether the file stays open beside its mapping, which allows copies inside the kernel.
  enum class Descriptor { kKeep, kClose };

  /// Result: the file's bytes as they are now. Fatal (file-access) if it is missing, unreadable, or no
  /// regular file; never waits on a FIFO.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path,
                                                Descriptor descriptor = Descriptor::kKeep);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }
  /// Open for reading; -1 if it was not kept.
  int descriptor() const { return descriptor_; }
  const std::filesystem::path& path() const { return path_; }
  const FileIdentity& identity() const { return identity_; }

 private:
  MappedFile() = default;

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::span<const std::byte> bytes_;
  FileIdentity identity_;
};

}  // namespace qprep
