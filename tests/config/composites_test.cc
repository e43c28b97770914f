#include "config/composites.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <set>
#include <string>
#include <vector>

#include "support/diagnostics.h"
#include "support/temporary_folder.h"

namespace qprep {
namespace {

using Kind = CompositeOperand::Kind;

Composites read(const std::string& text) {
  const test::TemporaryFolder folder;
  test::write_text(folder / "c.yaml", text);
  return read_composites((folder / "c.yaml").string());
}

/// "3:5: message", a line each: what the reader says of the text.
std::string complaint(const std::string& text) {
  try {
    read(text);
  } catch (const Fatal& fatal) {
    std::string all;
    for (const Diagnostic& each : fatal.diagnostics()) {
      all += fmt::format("{}:{}: {}\n", each.where.line, each.where.column, each.message);
    }
    return all;
  }
  return "";
}

const std::string kWords =
    "operators:\n"
    "  Add: {any_of: [Add, Sum], commutative: true}\n"
    "  Mul: {any_of: [Mul], commutative: true}\n"
    "  Exp: {any_of: [Exp]}\n"
    "phrases:\n"
    "  Twice: {of: [a], any_of: ['{ y = Add(a, a) }', '{ y = Mul(a, 2) }']}\n";

/// The composites of this pattern of x.
std::string with(const std::string& pattern) {
  return kWords + "composites:\n  - {name: C, of: [x], any_of: ['" + pattern + "']}\n";
}

/// What is said of the pattern, which stands in line 8.
std::string complaint_of(const std::string& pattern) {
  const std::string said = complaint(with(pattern));
  const std::string where = "8:33: 'composites[0].any_of': ";
  return said.starts_with(where) ? said.substr(where.size()) : said;
}

std::vector<std::string> ops(const CompositePattern& pattern) {
  std::vector<std::string> names;
  for (const CompositeStep& step : pattern.steps) names.push_back(step.any_of.front().op);
  return names;
}

}  // namespace

TEST_CASE("the shipped composites are sound, and each has a name") {
  const Composites composites = read_composites(std::string(QPREP_SOURCE_DIR) + "/configs/composites.yaml");
  std::set<std::string> names;
  for (const CompositePattern& pattern : composites.patterns) names.insert(pattern.name);
  for (const char* name : {"LayerNormalization", "RMSNormalization", "InstanceNormalization", "Gelu", "SiLU",
                           "Mish", "HardSwish", "Softmax", "Clip"}) {
    CHECK(names.contains(name));
  }
}

TEST_CASE("the names of a pattern become data, constants, numbers and results") {
  const Composites composites =
      read(with("{ e = Exp(x)  a = Add(e, const w)  m = Mul(a, -0.5)  y = Mul(m, scalar k) }"));
  REQUIRE(composites.patterns.size() == 1);
  const CompositePattern& pattern = composites.patterns.front();
  CHECK(pattern.name == "C");
  REQUIRE(pattern.steps.size() == 4);
  CHECK(pattern.steps[0].operands[0].kind == Kind::kData);
  CHECK_FALSE(pattern.steps[0].commutative);
  CHECK(pattern.steps[1].commutative);
  CHECK(pattern.steps[1].any_of[1].op == "Sum");
  CHECK(pattern.steps[1].operands[0].kind == Kind::kResult);
  CHECK(pattern.steps[1].operands[0].step == 0);
  CHECK(pattern.steps[1].operands[1].kind == Kind::kConstant);
  CHECK(pattern.steps[2].operands[1].kind == Kind::kNumber);
  CHECK(pattern.steps[2].operands[1].number == -0.5);
  CHECK(pattern.steps[3].operands[1].kind == Kind::kScalar);
  CHECK(pattern.names == 3);
}

TEST_CASE("constants may be asked to vary along some axes, and anything to be there") {
  const Composites composites =
      read(with("{ a = Mul(x, reduced w)  b = Mul(a, channel v)  y = Add(b, any m) }"));
  const CompositePattern& pattern = composites.patterns.front();
  CHECK(pattern.steps[0].operands[1].kind == Kind::kReduced);
  CHECK(pattern.steps[1].operands[1].kind == Kind::kChannel);
  CHECK(pattern.steps[2].operands[1].kind == Kind::kAny);
}

TEST_CASE("a block has operators that may stand between") {
  const Composites composites = read(
      kWords + "blocks:\n  - {name: B, of: [x], through: [Mul], any_of: ['{ e = Exp(x)  y = Exp(e) }']}\n");
  CHECK(composites.patterns.empty());
  REQUIRE(composites.blocks.size() == 1);
  CHECK(composites.blocks.front().name == "B");
  REQUIRE(composites.blocks.front().through.size() == 1);
  CHECK(composites.blocks.front().through.front().any_of.front().op == "Mul");
  CHECK(
      complaint(kWords + "blocks:\n  - {name: B, of: [x], through: [Muul], any_of: ['{ y = Exp(x) }']}\n") ==
      "8:34: 'blocks[0].through': 'Muul' is not one of 'operators'\n");
}

TEST_CASE("a phrase stands for each of its patterns, an optional statement for itself or nothing") {
  const Composites composites = read(with("{ t = Twice(x)  e = Exp(t)?  y = Mul(e, x) }"));
  std::vector<std::vector<std::string>> found;
  for (const CompositePattern& pattern : composites.patterns) found.push_back(ops(pattern));
  CHECK(found == std::vector<std::vector<std::string>>{
                     {"Add", "Exp", "Mul"}, {"Add", "Mul"}, {"Mul", "Exp", "Mul"}, {"Mul", "Mul"}});
  // x is the same in the phrase and behind it; so is the result of a statement that is missing.
  for (const CompositePattern& pattern : composites.patterns) {
    CHECK(pattern.steps.front().operands[0].name == pattern.steps.back().operands[1].name);
    CHECK(pattern.steps.back().operands[0].step == pattern.steps.size() - 2);
  }
}

TEST_CASE("names of a phrase are its own") {
  const Composites composites =
      read(kWords +
           "  Shifted: {of: [a], any_of: ['{ y = Add(a, const c) }']}\n"
           "composites:\n"
           "  - {name: C, of: [x], any_of: ['{ s = Shifted(x)  t = Shifted(s)  y = Mul(t, const c) }']}\n");
  const CompositePattern& pattern = composites.patterns.front();
  std::set<std::size_t> names;
  for (const CompositeStep& step : pattern.steps) names.insert(step.operands[1].name);
  CHECK(names.size() == 3);
}

TEST_CASE("an operator asks for bounds, attributes and axes") {
  const Composites composites = read(
      "operators:\n"
      "  C: {any_of: [{op: Clip, min: 0, max: 6}]}\n"
      "  H: {any_of: [{op: HardSigmoid, attributes: [{name: alpha, is: 0.5, default: 0.2}]}]}\n"
      "  M: {any_of: [{op: ReduceMean, axes: trailing, keepdims: false}]}\n"
      "composites:\n"
      "  - {name: C, of: [x], any_of: ['{ c = C(x)  h = H(c)  y = M(h) }']}\n");
  const CompositePattern& pattern = composites.patterns.front();
  CHECK(pattern.steps[0].any_of[0].max == 6.0);
  CHECK(pattern.steps[1].any_of[0].numbers[0].attribute == "alpha");
  CHECK(pattern.steps[1].any_of[0].numbers[0].otherwise == 0.2);
  CHECK(pattern.steps[2].any_of[0].axes == ReducedAxes::kTrailing);
  CHECK(pattern.steps[2].any_of[0].keeps_axes == false);
}

TEST_CASE("what a spelling means, and where") {
  const std::string of = "composites:\n  - name: C\n    of: [x]\n";
  const Composites composites =
      read(kWords + "  Shifted: {of: [a], any_of: ['{ y = Add(a, scalar c) }']}\n" + of +
           "    means: Op(x, const w = 1, 6, -const v)[int axis = axis, alpha = (1 - s.c) / 2, mode = 'a']\n"
           "    since: 9\n"
           "    given: [s.c <= 1]\n"
           "    any_of:\n"
           "      - '{ s = Shifted(x)  m = Mul(s, const w)?  y = Mul(m, const v) }'\n"
           "      - {pattern: '{ s = Shifted(x)  y = Exp(s) }', formula: exp(x + c)}\n");
  const CompositeMeaning& meaning = *composites.patterns.front().meaning;
  CHECK(meaning.op == "Op");
  CHECK(meaning.since == 9);
  CHECK(meaning.inputs[1].otherwise == 1.0);
  CHECK(meaning.inputs[2].number == 6.0);
  CHECK(meaning.inputs[3].negative);
  CHECK(meaning.attributes[0].is_integer);
  CHECK(meaning.attributes[1].number.text == "(1 - s.c) / 2");
  CHECK(meaning.attributes[2].text == "a");
  CHECK(meaning.given.front().kind == CompositeCondition::Kind::kAtMost);
  CHECK(composites.patterns.back().meaning == nullptr);

  const auto complaint_about = [&](const std::string& keys) {
    return complaint(kWords + of + keys + "    any_of: ['{ y = Mul(x, const w) }']\n");
  };
  CHECK(complaint_about("    means: Op(x)\n    since: 9\n").empty());
  CHECK(complaint_about("    since: 9\n") == "10:12: 'composites[0].since' needs 'means'\n");
  CHECK(complaint_about("    means: Op(x\n    since: 9\n") ==
        "10:12: 'composites[0].means': ')' is missing before ''\n");
  CHECK(complaint_about("    means: Op(x, const v)\n    since: 9\n") ==
        "12:14: 'composites[0].any_of': 'means' and 'given' speak of 'v', which the pattern does not define "
        "(did you mean 'w'?)\n");
  CHECK(complaint_about("    means: Op(x)\n    since: 9\n    given: [w > 1]\n") ==
        "12:13: 'composites[0].given': '>=' is missing before '> 1'\n");
  CHECK(complaint_about("    means: Op(x)\n    since: 9\n    given: [sin(w) == 1]\n") ==
        "12:13: 'composites[0].given': 'sin' is not one of sqrt, attribute, shape, rank\n");
}

TEST_CASE("a wrong pattern is said to be wrong, at its place") {
  CHECK(complaint_of("{ y = Exp(x) }").empty());
  CHECK(complaint_of("{ y = Expp(x) }") ==
        "'Expp' is not one of 'operators' or 'phrases' (did you mean 'Exp'?)\n");
  CHECK(complaint_of("{ y = Exp(other) }") == "'other' is not defined\n");
  CHECK(complaint_of("{ y = Exp(x }") == "')' is missing before '}'\n");
  CHECK(complaint_of("{ }") == "the pattern has no statement\n");
  CHECK(complaint_of("{ y = Exp(x) } and") == "nothing may follow the '}', but 'and' does\n");
  CHECK(complaint_of("{ x = Exp(x) }") == "'x' is defined twice\n");
  CHECK(complaint_of("{ y = Mul(x) }") == "Mul is commutative, which needs two operands\n");
  CHECK(complaint_of("{ y = Twice(x, x) }") == "Twice has 1 operands, not 2\n");
  CHECK(complaint_of("{ e = Exp(x)  y = Mul(x, x) }") ==
        "every result but the last must be read by a later statement\n");
  CHECK(complaint_of("{ y = Exp(x)? }") == "every result but the last must be read by a later statement\n");
  CHECK(complaint_of("{ y = Exp(2) }") == "the pattern reads nothing of what 'of' names\n");
  CHECK(complaint_of("{ e = Mul(x, const c)  y = Add(e, scalar c) }") == "'c' is defined twice\n");
  std::string many = "{ a = Twice(x)";
  for (char name = 'a'; name < 'j'; ++name) many += fmt::format("  {} = Twice({})", char(name + 1), name);
  CHECK(complaint_of(many + " }") == "the pattern has more than 512 choices\n");
}

TEST_CASE("what is missing or unknown in the file is said, at its place") {
  CHECK(complaint("operators:\n  A: {any_of: []}\n") ==
        "2:3: 'operators.A.any_of' must be a list of operators\n");
  CHECK(complaint("operators:\n  A: {any_of: [{min: 0}]}\n") == "2:16: 'operators.A.any_of' needs 'op'\n");
  CHECK(complaint("operators:\n  A: {any_of: [{op: Clip, min: six}]}\n") ==
        "2:32: 'operators.A.any_of.min' must be a number\n");
  CHECK(complaint("operators:\n  A: {any_of: [{op: ReduceMean, axes: lats}]}\n").starts_with("2:39: "));
  CHECK(complaint(kWords + "composites:\n  - {of: [x], any_of: ['{ y = Exp(x) }']}\n") ==
        "8:5: 'composites[0]' needs 'name'\n");
  CHECK(complaint(kWords + "composites:\n  - {name: C, any_of: ['{ y = Exp(2) }']}\n")
            .starts_with("8:5: 'composites[0].of' must be a list of names\n"));
  CHECK(complaint(kWords + "composites:\n  - {name: C, of: [x], any: ['{ y = Exp(x) }']}\n").find("any_of") !=
        std::string::npos);
  CHECK(complaint(kWords + "  Exp: {of: [a], any_of: ['{ y = Mul(a, a) }']}\n") ==
        "7:3: 'phrases.Exp' is one of 'operators' too\n");
}

}  // namespace qprep
