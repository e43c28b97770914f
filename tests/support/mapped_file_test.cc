#include "support/mapped_file.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

#include "support/codes.h"
#include "support/fatal.h"
#include "support/temporary_folder.h"

using namespace qprep;
using test::TemporaryFolder;

TEST_CASE("a mapped file has the file's bytes, and keeps them when the name is gone") {
  const TemporaryFolder folder;
  test::write_text(folder / "a", "some bytes");
  const auto file = MappedFile::open(folder / "a");
  std::filesystem::remove(folder / "a");
  REQUIRE(file->bytes().size() == 10);
  CHECK(std::memcmp(file->bytes().data(), "some bytes", 10) == 0);
  CHECK(file->path() == folder / "a");
}

TEST_CASE("an empty file has no bytes") {
  const TemporaryFolder folder;
  test::write_text(folder / "a", "");
  CHECK(MappedFile::open(folder / "a")->bytes().empty());
}

TEST_CASE("links to one file have one identity, copies have not") {
  const TemporaryFolder folder;
  test::write_text(folder / "a", "x");
  test::write_text(folder / "b", "x");
  std::filesystem::create_symlink("a", folder / "soft");
  std::filesystem::create_hard_link(folder / "a", folder / "hard");
  const FileIdentity identity = MappedFile::open(folder / "a")->identity();
  CHECK(MappedFile::open(folder / "soft")->identity() == identity);
  CHECK(MappedFile::open(folder / "hard")->identity() == identity);
  CHECK(MappedFile::open(folder / "b")->identity() != identity);
}

TEST_CASE("what is no readable regular file is refused with its reason") {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::filesystem::path& path) {
    return test::fatal_text(codes::kFileAccess, [&] { MappedFile::open(path); });
  };
  using Catch::Contains;
  CHECK_THAT(refusal(folder / "missing"), Contains("missing") && Contains("No such file"));
  CHECK_THAT(refusal(folder.path()), Contains("is a directory"));
  CHECK_THAT(refusal("/dev/zero"), Contains("a device"));
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK_THAT(refusal(folder / "fifo"), Contains("a FIFO"));
}
