#include "support/scratch.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

using namespace qprep;

namespace {

/// The temporary folder is another one for as long as this lives.
class TemporaryFolderIs {
 public:
  explicit TemporaryFolderIs(const char* folder) {
    if (const char* now = std::getenv("TMPDIR")) before_ = now;
    ::setenv("TMPDIR", folder, 1);
  }
  ~TemporaryFolderIs() {
    if (before_.empty()) {
      ::unsetenv("TMPDIR");
    } else {
      ::setenv("TMPDIR", before_.c_str(), 1);
    }
  }

 private:
  std::string before_;
};

void check(std::size_t size) {
  Scratch made = scratch(size);
  REQUIRE(made.bytes.size() == size);
  CHECK(std::all_of(made.bytes.begin(), made.bytes.end(), [](std::byte b) { return b == std::byte{0}; }));
  std::fill(made.bytes.begin(), made.bytes.end(), std::byte{7});
  const Scratch other = scratch(size);
  CHECK(std::all_of(made.bytes.begin(), made.bytes.end(), [](std::byte b) { return b == std::byte{7}; }));
  CHECK(std::all_of(other.bytes.begin(), other.bytes.end(), [](std::byte b) { return b == std::byte{0}; }));
}

}  // namespace

TEST_CASE("scratch memory of any size is zero, writable and its owner's alone") {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{5}, std::size_t{1} << 22U, std::size_t{9'000'001}})
    check(size);
}

TEST_CASE("scratch memory needs no temporary folder") {
  const TemporaryFolderIs nowhere("/nowhere");
  check(std::size_t{1} << 23U);
}
