#include "config/rearrangement.h"

#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>

namespace qprep {
namespace {

std::string complaint(const std::string& text) {
  try {
    parse_rearrangement(text);
  } catch (const std::invalid_argument& mistake) {
    return mistake.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a rearrangement names the factors of each axis on both sides") {
  const Rearrangement read = parse_rearrangement("n (c R) w -> n c (w R) T");
  REQUIRE(read.factors.size() == 5);
  CHECK(read.factors[2].name == "R");
  CHECK(read.factors[2].more_than_one);
  CHECK_FALSE(read.factors[1].more_than_one);
  CHECK(read.factors[4].repeated);
  CHECK_FALSE(read.factors[2].repeated);
  CHECK(read.from == Rearrangement::Axes{{0}, {1, 2}, {3}});
  CHECK(read.to == Rearrangement::Axes{{0}, {1}, {3, 2}, {4}});
}

TEST_CASE("a rearrangement that is wrong is said to be") {
  CHECK(complaint("n c -> c n").empty());
  CHECK(complaint("n c -> c") == "'n' is missing behind '->'");
  CHECK(complaint("n n -> n") == "'n' stands twice on one side");
  CHECK(complaint("n c -> (c c) n") == "'c' stands twice on one side");
  CHECK(complaint("n c") == "a factor is missing before ';'");
  CHECK(complaint("n (c -> n c") == "a factor is missing before '-> n c;'");
}

}  // namespace qprep
