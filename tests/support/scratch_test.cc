#include "support/scratch.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <sys/resource.h>

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

std::byte expected(std::size_t i) { return static_cast<std::byte>((i * 31 + (i >> 20U)) & 0xffU); }

void check(std::size_t size) {
  const Scratch made = scratch(size, [&](std::size_t offset, std::span<std::byte> piece) {
    for (std::size_t i = 0; i < piece.size(); ++i) piece[i] = expected(offset + i);
  });
  REQUIRE(made.bytes.size() == size);
  bool same = true;
  for (std::size_t i = 0; i < size; ++i) same = same && made.bytes[i] == expected(i);
  CHECK(same);
}

/// While it lives, no file may grow beyond `bytes`: writing more fails.
class FilesEndAt {
 public:
  explicit FilesEndAt(rlim_t bytes) : before_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &limit_);
    const rlimit small{bytes, limit_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~FilesEndAt() {
    ::setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }

 private:
  void (*before_)(int);
  rlimit limit_ = {};
};

}  // namespace

TEST_CASE("scratch of any size holds what was filled in") {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{5}, std::size_t{1} << 22U, std::size_t{9'000'001}})
    check(size);
}

TEST_CASE("scratch needs no temporary folder") {
  const TemporaryFolderIs nowhere("/nowhere");
  check(std::size_t{1} << 23U);
}

TEST_CASE("scratch is ordinary memory where the file has no room") {
  const FilesEndAt limit(rlim_t{5} << 20U);
  check(std::size_t{1} << 23U);
}

TEST_CASE("what fills scratch may throw") {
  const auto fail = [](std::size_t, std::span<std::byte>) { throw std::runtime_error("no numbers"); };
  CHECK_THROWS_WITH(scratch(std::size_t{1} << 23U, fail), "no numbers");
  CHECK_THROWS_WITH(scratch(8, fail), "no numbers");
}
