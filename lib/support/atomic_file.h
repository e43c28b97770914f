#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qprep {

/// A file that appears whole or not at all: everything goes into a hidden temporary file beside the target
/// (".<name>.<process>-<number>.tmp"), which commit renames to the target. Whatever happens before, the
/// target is what it was; if the process is killed, the temporary file is all that is left of the attempt.
/// A target that is a symbolic link is replaced itself, not the file that it points to.
///
/// Every failure (no such folder, no space, ...) is Fatal (file-access) with the target's name.
class AtomicFile {
 public:
  /// `durable`: commit returns when the disk has the file. Given: the target is absent or a regular file.
  AtomicFile(const std::filesystem::path& target, bool durable);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  /// Result: an uncommitted temporary file is gone.
  ~AtomicFile();

  /// Appends.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void write_zeros(std::size_t count);
  /// Appends `length` bytes of the file open as `descriptor` from `offset` on, inside the kernel where it
  /// can. Given: `bytes` is a mapping of the same bytes.
  void write_from(int descriptor, std::uint64_t offset, std::span<const std::byte> bytes);
  /// Bytes appended so far.
  std::uint64_t size() const { return size_; }

  /// Result: there is no file at the target. For one that must not be seen beside newer files.
  void remove_target();
  /// Result: what was written is the target; the temporary file is gone.
  void commit();

 private:
  void flush();
  void write_out(std::span<const std::byte> bytes);
  [[noreturn]] void fail(std::string_view doing, int error) const;

  std::filesystem::path target_;
  std::filesystem::path temporary_;
  bool durable_;
  int descriptor_ = -1;
  std::size_t registration_ = 0;  // of the temporary file; 0 = there is none
  std::vector<std::byte> buffer_;
  std::uint64_t size_ = 0;
};

/// Result: the file at `target` has the text as its contents, or is as it was (Fatal, file-access).
void write_file_atomically(const std::filesystem::path& target, std::string_view text, bool durable = false);

/// For a program's main. Result: when a signal such as SIGINT, SIGTERM or SIGPIPE ends the process, its
/// temporary files are removed first, and folders that were made for results and have none; signals that the
/// process ignores stay ignored. All but SIGPIPE say so in a line on stderr (support/interruption.h). A
/// mapped file that became shorter, or that its disk cannot give, ends it with a sentence and status 1. A
/// limit on file sizes is an error of the write like any other.
void remove_temporaries_on_signals();

}  // namespace qprep
