#include "config/fusion.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <set>

#include "support/diagnostics.h"

namespace qprep {
namespace {

FusionRules read(const std::string& text) {
  const auto file = std::filesystem::temp_directory_path() / "qprep_fusion_test.yaml";
  std::ofstream(file) << text;
  return read_fusion_rules(file.string());
}

/// What a file with this head and tail says; empty: it is accepted.
std::string complaint(const std::string& head, const std::string& tail) {
  try {
    read(
        fmt::format("operators:\n"
                    "  ConvLike: {{any_of: [Conv]}}\n"
                    "  AddLike: {{any_of: [Add], commutative: true}}\n"
                    "heads: [{{name: conv, pattern: \"{}\"}}]\n"
                    "tails: [{{name: add, pattern: \"{}\"}}]\n",
                    head, tail));
  } catch (const Fatal& fatal) {
    std::string all;
    for (const Diagnostic& diagnostic : fatal.diagnostics()) all += diagnostic.message + "\n";
    return all;
  }
  return "";
}

const std::string kHead = "{ h = ConvLike(x, w, b?) }";
const std::string kTail = "{ y = AddLike(h, r) }";

}  // namespace

TEST_CASE("the shipped fusion rules hold the fourteen sequences, longest first") {
  const FusionRules rules = read_fusion_rules(std::string(QPREP_SOURCE_DIR) + "/configs/fusion.yaml");
  std::set<std::string> names;
  std::size_t last = rules.patterns.front().steps.size();
  for (const FusionPattern& pattern : rules.patterns) {
    names.insert(pattern.name);
    CHECK(pattern.steps.size() <= last);
    last = pattern.steps.size();
  }
  std::set<std::string> wanted;
  for (const std::string head : {"conv", "linear"}) {
    wanted.insert(head);
    for (const std::string tail : {"bn", "bn-relu", "relu", "bn-add", "bn-add-relu", "add", "add-relu"}) {
      wanted.insert(head + "-" + tail);
    }
  }
  CHECK(names == wanted);
}

TEST_CASE("a tail's statements follow its head's") {
  const FusionRules rules = read(
      "operators:\n"
      "  C: {any_of: [Conv]}\n"
      "  A: {any_of: [Add, Sum], commutative: true}\n"
      "  R: {any_of: [Relu, {op: Clip, min: 0, max: 6}]}\n"
      "heads: [{name: c, pattern: '{ m = C(x, const w) h = A(bias b, m) }'}]\n"
      "tails: [{name: a-r, pattern: '{ a = A(r, h) y = R(a) }'}]\n");
  REQUIRE(rules.patterns.size() == 2);
  const FusionPattern& pattern = rules.patterns.front();
  CHECK(pattern.name == "c-a-r");
  REQUIRE(pattern.steps.size() == 4);
  CHECK(pattern.steps[0].operands[1].kind == FusionOperand::Kind::kConstant);
  CHECK(pattern.steps[1].operands[0].kind == FusionOperand::Kind::kBias);
  CHECK(pattern.steps[1].commutative);
  CHECK(pattern.steps[2].operands[1].kind == FusionOperand::Kind::kResult);
  CHECK(pattern.steps[2].operands[1].step == 1);
  CHECK(pattern.steps[3].operands[0].step == 2);
  CHECK(pattern.steps[3].any_of[1].max == 6.0);
}

TEST_CASE("a wrong pattern is said to be wrong, once") {
  CHECK(complaint(kHead, kTail).empty());
  CHECK(complaint("{ h = ConvLik(x) }", kTail) ==
        "'heads[0].pattern': 'ConvLik' is not one of 'operators' (did you mean 'ConvLike'?)\n");
  CHECK(complaint("{ h = ConvLike(x }", kTail) == "'heads[0].pattern': ')' is missing before '}'\n");
  CHECK(complaint("{ c = ConvLike(x) }", kTail) ==
        "'heads[0].pattern': the last statement of a head defines 'h', not 'c'\n");
  CHECK(complaint("{ }", kTail) == "'heads[0].pattern': the pattern has no statement\n");
  CHECK(complaint(kHead + " more", kTail) ==
        "'heads[0].pattern': nothing may follow the '}', but 'more' does\n");
  CHECK(complaint(kHead, "{ h = AddLike(h, r) }") == "'tails[0].pattern': 'h' is defined twice\n");
  CHECK(complaint(kHead, "{ y = AddLike(r, s) }").find("does not read 'h'") != std::string::npos);
  CHECK(complaint(kHead, "{ y = AddLike(h, h) }").find("reads h and h, results of") != std::string::npos);
  CHECK(complaint(kHead, "{ y = AddLike(h) }") ==
        "'tails[0].pattern': AddLike is commutative, which needs two operands\n");
  CHECK_THROWS_AS(read("operators:\n  A: {any_of: []}\n"), Fatal);
  CHECK_THROWS_AS(read("operators:\n  A: {any_of: [{op: Clip, min: 0}]}\n"), Fatal);
  CHECK_THROWS_AS(read("operators:\n  A: {any_of: [{op: Clip, min: 0, max: six}]}\n"), Fatal);
  CHECK_THROWS_AS(read("heads: [{name: a}]\n"), Fatal);
}

}  // namespace qprep
