#include "support/progress_text.h"

#include <catch2/catch.hpp>

using namespace qprep;

TEST_CASE("the time left is that of the stage at its pace") {
  CHECK(seconds_left({.doing = "a", .done = 16, .total = 64, .done_seconds = 4, .seconds = 4}) == 12.0);
  CHECK(seconds_left({.doing = "a", .done = 64, .total = 64, .done_seconds = 4, .seconds = 4}) == 0.0);
  CHECK(seconds_left({.doing = "a", .done = 16, .total = 64, .done_seconds = 4, .seconds = 9}) == 7.0);
  CHECK_FALSE(seconds_left({.doing = "a", .done = 16, .total = 64, .done_seconds = 4, .seconds = 17}));
  CHECK_FALSE(seconds_left({.doing = "a", .done = 0, .total = 64, .done_seconds = 4, .seconds = 4}));
  CHECK_FALSE(seconds_left({.doing = "a", .done = 16, .total = 64, .done_seconds = 0.5, .seconds = 0.5}));
  CHECK_FALSE(seconds_left({.doing = "a", .done = 0, .total = 0, .done_seconds = 4, .seconds = 4}));
}

TEST_CASE("a bar has samples and time left, as the terminal is wide") {
  const Progress half = {
      .doing = "calibrating", .done = 32, .total = 64, .done_seconds = 80, .seconds = 80, .all_seconds = 90};
  CHECK(progress_bar(half, 80) == "calibrating [==========>         ] 32/64, 1 min 20 s left");
  CHECK(progress_bar(half, 40) == "calibrating 32/64, 1 min 20 s left");
  CHECK(progress_bar(half, 20) == "calibrating 32/64, ");
  CHECK(progress_bar(half, 0) == "calibrating 32/64, 1 min 20 s left");
  CHECK(progress_bar({.doing = "calibrating", .done = 64, .total = 64, .done_seconds = 8, .seconds = 8},
                     80) == "calibrating [====================] 64/64, 0 s left");
  CHECK(progress_bar({.doing = "calibrating", .done = 0, .total = 64, .seconds = 3, .all_seconds = 5}, 80) ==
        "calibrating [>                   ] 0/64, 5 s so far");
  CHECK(progress_bar({.doing = "explaining", .all_seconds = 7.4}, 80) == "explaining, 7 s so far");
}

TEST_CASE("a log has whole sentences") {
  CHECK(progress_sentence(
            {.doing = "calibrating", .done = 1, .total = 100, .done_seconds = 60, .seconds = 60}) ==
        "calibrating: 1 of 100 (1 %), 1 h 39 min left");
  CHECK(progress_sentence({.doing = "explaining", .all_seconds = 60}) == "explaining, 1 min 0 s so far");
}

TEST_CASE("durations") {
  CHECK(duration_text(0.2) == "0 s");
  CHECK(duration_text(59.6) == "1 min 0 s");
  CHECK(duration_text(3600) == "1 h 0 min");
  CHECK(duration_text(86400.0 * 3) == "72 h 0 min");
}
