/// Any text as a configuration: refused with sentences, or a list of settings. See tests/fuzz/README.md.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "support/sound_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    qprep::test::check_config_text({reinterpret_cast<const char*>(data), size});
  } catch (const std::exception& broken) {
    std::fprintf(stderr, "%s\n", broken.what());
    std::abort();
  }
  return 0;
}
