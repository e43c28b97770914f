/// Any bytes as a picture: refused with a sentence, or pixels. See tests/fuzz/README.md.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "support/sound_picture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    qprep::test::check_picture(std::as_bytes(std::span(data, size)));
  } catch (const std::exception& broken) {
    std::fprintf(stderr, "%s\n", broken.what());
    std::abort();
  }
  return 0;
}
