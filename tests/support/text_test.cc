#include "support/text.h"

#include <catch2/catch.hpp>

using namespace qprep;

TEST_CASE("join puts the separator between, never around") {
  CHECK(join({}, ", ").empty());
  CHECK(join({"a"}, ", ") == "a");
  CHECK(join({"a", "b", "c"}, ", ") == "a, b, c");
}

TEST_CASE("edit_distance counts insertions, deletions, substitutions and swaps") {
  CHECK(edit_distance("", "", 3) == 0);
  CHECK(edit_distance("scale", "scale", 3) == 0);
  CHECK(edit_distance("scale", "scle", 3) == 1);
  CHECK(edit_distance("scale", "scales", 3) == 1);
  CHECK(edit_distance("scale", "stale", 3) == 1);
  CHECK(edit_distance("scale", "sacle", 3) == 1);
  CHECK(edit_distance("kitten", "sitting", 5) == 3);
  CHECK(edit_distance("ab", "ba", 5) == 1);
}

TEST_CASE("edit_distance stops above the limit") {
  CHECK(edit_distance("kitten", "sitting", 2) == 3);
  CHECK(edit_distance("", "abcdef", 2) == 3);
  CHECK(edit_distance("abcdef", "uvwxyz", 0) == 1);
}

TEST_CASE("nearest finds what was probably meant, and nothing far away") {
  const std::vector<std::string> words = {"format", "form", "dialect", "prefix"};
  CHECK(nearest("fromat", words) == "format");
  CHECK(nearest("dialet", words) == "dialect");
  CHECK(nearest("Prefix", words) == "prefix");
  CHECK(nearest("form", words) == "form");
  CHECK_FALSE(nearest("calibration", words));
  CHECK_FALSE(nearest("", words));
  CHECK_FALSE(nearest("form", {}));
  CHECK(nearest("fixed", {"qat", "fixed_point", "both"}) == "fixed_point");
  CHECK_FALSE(nearest("fi", {"qat", "fixed_point", "both"}));
  CHECK_FALSE(nearest("fixed", {"fixed_point", "fixed_scale"}));
}

TEST_CASE("nearest takes the first of equals") { CHECK(nearest("abd", {"abc", "abe"}) == "abc"); }

TEST_CASE("did_you_mean is a clause or nothing") {
  CHECK(did_you_mean("fromat", {"format"}) == " (did you mean 'format'?)");
  CHECK(did_you_mean("xyz", {"format"}).empty());
}

TEST_CASE("printable shows control characters and leaves everything else") {
  using namespace std::string_literals;
  CHECK(printable("a\0b\x1b[2J\x7f"s) == "a\\x00b\\x1b[2J\\x7f");
  CHECK(printable("two\nlines\tand \xc3\xa4") == "two\nlines\tand \xc3\xa4");
}
