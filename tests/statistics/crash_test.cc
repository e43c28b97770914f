#include <catch2/catch.hpp>
#include <filesystem>

#include "support/sound_statistics.h"
#include "support/temporary_folder.h"

using namespace qprep;

TEST_CASE("What fuzzing found in statistics stays mended") {
  const std::filesystem::path folder = std::filesystem::path(QPREP_SOURCE_DIR) / "testdata/crash/qcal";
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    INFO(entry.path().filename().string());
    CHECK_NOTHROW(test::check_statistics(test::bytes_of(entry.path())));
    ++count;
  }
  CHECK(count > 0);
}
