/// Any text as a configuration: refused with sentences, or a list of settings. See tests/fuzz/README.md.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "support/sound_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  std::ranges::replace(text, '/',
                       '.');  // so that no file of the fuzzer's choosing is read: sensitive_op has a table
  try {
    qprep::test::check_config_text(text);
  } catch (const std::exception& broken) {
    std::fprintf(stderr, "%s\n", broken.what());
    std::abort();
  }
  return 0;
}
