#include <catch2/catch.hpp>
#include <filesystem>

#include "support/sound_picture.h"
#include "support/temporary_folder.h"

using namespace qprep;

TEST_CASE("What fuzzing found in pictures stays mended") {
  const std::filesystem::path folder = std::filesystem::path(QPREP_SOURCE_DIR) / "testdata/crash/picture";
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    INFO(entry.path().filename().string());
    const std::string bytes = test::bytes_of(entry.path());
    CHECK_NOTHROW(test::check_picture(std::as_bytes(std::span(bytes))));
    ++count;
  }
  CHECK(count > 0);
}
