#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ir/tensor.h"
#include "samples/npy.h"

/// NumPy's .npz files: zip archives of .npy files, stored or deflated (zlib). What is no such archive, ends
/// early, is encrypted or has other checksums than its members is Fatal (bad-sample) with the file's name.
namespace qprep {

class NpzFile {
 public:
  /// Reads the directory.
  static NpzFile open(const std::string& file);

  /// The arrays' names, without ".npy", in the archive's order.
  const std::vector<std::string>& names() const { return names_; }
  /// Given: `name` is one of names().
  NpyHeader header(const std::string& name) const;
  Tensor read(const std::string& name) const;

 private:
  struct Member {
    std::uint64_t offset = 0;            // of its local header
    std::uint64_t stored = 0, size = 0;  // bytes in the archive, and of the .npy file
    std::uint32_t checksum = 0;          // CRC-32
    bool deflated = false;
  };
  NpzFile() = default;

  const Member& member(const std::string& name) const;
  /// The first `most` bytes of the .npy file at least, where it has so many.
  std::vector<std::byte> bytes_of(const Member& member, std::size_t most) const;

  std::string file_;
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
  std::vector<std::string> names_;
  std::vector<Member> members_;  // of names_
};

}  // namespace qprep
