/// Any bytes as statistics, with a checksum that fits: refused with a sentence, or ranges. See
/// tests/fuzz/README.md.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "support/sound_statistics.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    qprep::test::check_statistics({reinterpret_cast<const char*>(data), size});
  } catch (const std::exception& broken) {
    std::fprintf(stderr, "%s\n", broken.what());
    std::abort();
  }
  return 0;
}
