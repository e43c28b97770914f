#include <catch2/catch.hpp>
#include <filesystem>

#include "support/sound_config.h"
#include "support/temporary_folder.h"

using namespace qprep;

TEST_CASE("What fuzzing found in configurations stays mended") {
  const std::filesystem::path folder = std::filesystem::path(QPREP_SOURCE_DIR) / "testdata/crash/config";
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    INFO(entry.path().filename().string());
    CHECK_NOTHROW(test::check_config_text(test::bytes_of(entry.path())));
    ++count;
  }
  CHECK(count > 0);
}
