/// Any bytes: refused with a sentence, or a model that survives reading and writing. See
/// tests/fuzz/README.md.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "support/round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    qprep::test::check_round_trip(std::as_bytes(std::span(data, size)));
  } catch (const std::exception& broken) {
    std::fprintf(stderr, "%s\n", broken.what());
    std::abort();
  }
  return 0;
}
