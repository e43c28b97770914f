#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace qprep {

/// Bytes to write a payload to. Large ones are pages of a temporary file without a name, which the kernel may
/// move to the disk, so that a model's weights need not fit into memory; where there is no room for such a
/// file, and for small ones, they are ordinary memory. All are zero at first.
struct Scratch {
  std::shared_ptr<void> owner;
  std::span<std::byte> bytes;
};

/// Throws std::bad_alloc if there is no memory either.
Scratch scratch(std::size_t size);

}  // namespace qprep
