#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "support/diagnostics.h"

namespace qprep::test {

/// Result: the call throws Fatal with one diagnostic of this code; its text as the user sees it.
inline std::string fatal_text(std::string_view code, const std::function<void()>& call) {
  try {
    call();
  } catch (const Fatal& failure) {
    REQUIRE(failure.diagnostics().size() == 1);
    CHECK(failure.diagnostics().front().code == code);
    return failure.what();
  }
  FAIL("nothing was thrown, but " << code << " was expected");
  return {};
}

}  // namespace qprep::test
