#include "config/march.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>

#include "config/replacements.h"
#include "support/diagnostics.h"
#include "support/temporary_folder.h"

using namespace qprep;

namespace {

const std::filesystem::path kConfigs = QPREP_SOURCE_DIR "/configs";

/// Line, column and text of every mistake.
std::string complaints(const std::string& text) {
  const test::TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "march");
  test::write_text(folder.path() / "march/own.yaml", text);
  std::string said;
  try {
    read_march(folder.path(), "own");
  } catch (const Fatal& failure) {
    for (const Diagnostic& each : failure.diagnostics()) {
      said += fmt::format("{}:{}: {}\n", each.where.line, each.where.column, each.message);
    }
  }
  return said;
}

}  // namespace

TEST_CASE("What a march fuses is read strictly") {
  const std::string rest = "chips: a\nsource: b\nreplace: []\n";
  CHECK(complaints(rest + "fuse: {tail_relu: apart, int16_addends: false}\n").empty());
  CHECK(complaints(rest + "fuse: {tail_relu: cpu, int16_addends: 1, tial: []}\n") ==
        "4:19: 'fuse.tail_relu' must be one of fused, apart, not 'cpu'\n"
        "4:39: 'fuse.int16_addends' must be true or false, not '1'\n"
        "4:42: unknown key 'tial' in 'fuse'; known: heads, int16_addends, only_tails, operators, "
        "tail_relu, tails, units\n");
  const March bayes = read_march(kConfigs, "bayes");
  CHECK(bayes.tail_relu_apart);
  CHECK_FALSE(bayes.int16_addends);
  CHECK_FALSE(read_march(kConfigs, "bayes-e").tail_relu_apart);
  CHECK(read_march(kConfigs, "meta").int16_addends);
}

TEST_CASE("The marches of the checkout are sound, and each says where its numbers come from") {
  const std::vector<std::string> names = march_names(kConfigs);
  CHECK(names == std::vector<std::string>{
                     "academic", "acl",      "bayes",  "bayes-e", "bernoulli2", "generic-int8", "meta",
                     "nash-b",   "nash-e",   "nash-h", "nash-m",  "nash-p",     "nnie",         "onnx_qnn",
                     "openvino", "pplw8a16", "snpe",   "tengine", "tensorrt",   "vitis",        "xnnpack"});
  for (const std::string& name : names) {
    INFO(name);
    const March march = read_march(kConfigs, name);
    CHECK(march.name == name);
    CHECK_FALSE(march.chips.empty());
    CHECK_FALSE(march.source.empty());
    CHECK(march.provisional == (name == "meta" || name == "acl" || name.starts_with("nash")));
    // A profile says how its tools quantise, and what they do not quantise is float.
    const bool horizon = march.chips == "-" ? name == "meta" : march.replace.size() > 0;
    CHECK(march.quantise.has_value() != horizon);
    CHECK((march.capabilities.others == RunsOn::kFloat) == march.quantise.has_value());
  }
  CHECK(read_march(kConfigs, "bayes").chips == "J5, RDK Ultra");
}

TEST_CASE("A march is a file: nothing else lists it") {
  const test::TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "march");
  test::write_text(folder.path() / "march/own.yaml", "chips: Mine\nsource: me\nreplace: [sum-to-add]\n");
  CHECK(march_names(folder.path()) == std::vector<std::string>{"own"});
  CHECK(read_march(folder.path(), "own").replace == std::vector<std::string>{"sum-to-add"});
}

TEST_CASE("Every mistake of a march is said with its place") {
  const std::string said =
      complaints("chips: X\nprovisonal: true\nreplace: [sum-to-ad, div-to-mul, div-to-mul]\n");
  CHECK(said.find("1:1: 'source' is missing\n") != std::string::npos);
  CHECK(said.find("2:1: unknown key 'provisonal' (did you mean 'provisional'?)") != std::string::npos);
  CHECK(said.find("3:11: 'replace': there is no replacement 'sum-to-ad' (did you mean 'sum-to-add'?)") !=
        std::string::npos);
  CHECK(said.find("3:34: 'replace' names 'div-to-mul' twice\n") != std::string::npos);
}

TEST_CASE("A march extends another one: what it says counts, the rest stays") {
  const test::TemporaryFolder folder;
  const std::string own = (folder.path() / "own.yaml").string();
  test::write_text(
      own,
      "base: bayes\n"
      "fuse: {operators: {Swish: {any_of: [HardSwish]}}, tails: [{name: swish, pattern: \"{ y = "
      "Swish(h) }\"}]}\n"
      "operators: {Gelu: {like: Abs}, Conv: {also: C <= 512}, Abs: cpu, ArgMax: {limits: []}}\n");
  const March march = read_march(kConfigs, own);
  const March bayes = read_march(kConfigs, "bayes");
  CHECK(march.name == "own");
  CHECK(march.base == "bayes");
  CHECK(march.chips == bayes.chips);
  CHECK(march.replace == bayes.replace);
  CHECK(march.tail_relu_apart);
  CHECK_FALSE(march.int16_addends);
  CHECK(march.sequences.tails.size() == 1);
  const auto& rows = march.capabilities.rows;
  const auto& before = bayes.capabilities.rows;
  CHECK(rows.size() == before.size() + 1);
  // Like the row that the file itself has.
  CHECK(rows.at("Gelu").runs == RunsOn::kCpu);
  CHECK(rows.at("Abs").runs == RunsOn::kCpu);
  CHECK(rows.at("Abs").limits.empty());
  CHECK(rows.at("Conv").limits.size() == before.at("Conv").limits.size() + 1);
  CHECK(rows.at("Conv").limits.back().constraint.text() == "C <= 512");
  CHECK(rows.at("Conv").limits.back().where.file == own);
  CHECK(rows.at("Conv").weight == before.at("Conv").weight);
  CHECK(rows.at("ArgMax").limits.empty());
  CHECK(rows.at("Softmax").where == before.at("Softmax").where);

  test::write_text(folder.path() / "further.yaml", "base: own.yaml\nevery: C <= 99\n");
  const March further = read_march(kConfigs, (folder.path() / "further.yaml").string());
  CHECK(further.capabilities.rows.at("Relu").limits.back().constraint.text() == "C <= 99");
  CHECK(further.capabilities.rows.at("Gelu").limits.empty());
}

TEST_CASE("Every mistake of a sequence is said with its place, the word, and what it should be") {
  const auto said_of = [](const std::string& rest) {
    const test::TemporaryFolder folder;
    const std::string own = (folder.path() / "own.yaml").string();
    test::write_text(own, "base: bayes\n" + rest);
    std::string said;
    try {
      read_march(kConfigs, own);
    } catch (const Fatal& failure) {
      for (const Diagnostic& each : failure.diagnostics()) {
        said += fmt::format("{}:{}: {}\n", each.where.line, each.where.column, each.message);
      }
    }
    return said;
  };
  const std::string swish = "fuse:\n  operators: {Swish: {any_of: [HardSwish]}}\n";
  CHECK(said_of(swish + "  tails: [{name: s, pattern: \"{ y = Swish(h) }\"}]\n").empty());
  CHECK(said_of("fuse:\n  operators: {Swish: {any_of: [HardSwsh, {composite: HardSwich}]}}\n"
                "  tails: [{name: s, pattern: \"{ y = Swish(h) }\"}]\n") ==
        "3:32: 'HardSwsh' is no operator that qprep knows (did you mean 'HardSwish'?)\n"
        "3:42: 'HardSwich' is no operator of composites.yaml (did you mean 'HardSwish'?)\n");
  CHECK(said_of(swish + "  tails: [{name: s, pattern: \"{ y = Swsh(h) }\"}]\n") ==
        "4:30: 'fuse.tails[0].pattern': 'Swsh' is not one of 'operators' (did you mean 'Swish'?)\n");
  CHECK(said_of(swish) ==
        "3:14: 'fuse.operators' are words of patterns, and there are none: write "
        "'fuse.heads', 'fuse.tails' or 'fuse.units'\n");
  CHECK(said_of("fuse:\n  operators: {Swish: HardSwish}\n  units: []\n") ==
        "3:22: 'fuse.operators.Swish' must be a map such as {any_of: [Relu]}, not 'HardSwish'\n");
  CHECK(
      said_of("fuse:\n  operators: {A: {any_of: [{op: Clip, min: 6, max: 0}, {op: Clip, min: a, max: 3}]}}\n"
              "  units: []\n") ==
      "3:28: 'fuse.operators.A.any_of.min' 6 is above 'fuse.operators.A.any_of.max' 0\n"
      "3:72: 'fuse.operators.A.any_of.min' must be a number, not 'a'\n");
  const auto said_of_pattern = [&](const std::string& key, const std::string& pattern) {
    return said_of(fmt::format("fuse: {{{}: [{{name: s, pattern: {}}}]}}\n", key, pattern));
  };
  CHECK(said_of_pattern("tails", "[Conv, Relu]") ==
        "2:35: 'fuse.tails[0].pattern' must be a text in quotes such as \"{ y = Act(h) }\", not a list\n");
  CHECK(
      said_of_pattern("tails", "\"{ y = Act(x) }\"") ==
      "2:35: 'fuse.tails[0].pattern': Act(x) does not read 'h': a tail begins with what reads the result of "
      "its head\n");
  CHECK(said_of_pattern("tails", "\"{ a = Act(h)  y = AddLike(a, h) }\"") ==
        "2:35: 'fuse.tails[0].pattern': AddLike(a, h) reads a and h, results of statements before it; a "
        "statement reads one of them\n");
  CHECK(said_of_pattern("heads", "\"{ c = ConvLike(x, w, b?) }\"") ==
        "2:35: 'fuse.heads[0].pattern': the last statement of a head defines 'h', not 'c'\n");
  CHECK(said_of_pattern("units", "\"{ y = Act(x) }\"") ==
        "2:35: 'fuse.units[0].pattern': a sequence has two statements or more; one node is a kernel by "
        "itself\n");
  CHECK(said_of_pattern("units", "\"{ conv = ConvLike(x, w)  y = Act(cnv) }\"") ==
        "2:35: 'fuse.units[0].pattern': Act(cnv) reads no result of a statement before it (did you mean "
        "'conv'?); there are conv\n");
  CHECK(said_of_pattern("tails", "\"{ y = Act(h) }]") ==
        "2:35: the text in quotes that begins here is never closed\n");
  CHECK(said_of("fuse: {tails: [{name: s, patern: \"{ y = Act(h) }\"}]}\n")
            .starts_with("2:16: 'fuse.tails[0].pattern' is missing\n2:26: unknown key 'patern'"));
  CHECK(said_of("tails: []\n") == "2:1: 'tails' belongs into 'fuse'\n");
  CHECK(said_of("Conv: {also: C <= 8}\n") == "2:1: 'Conv' belongs into 'operators'\n");
  CHECK(said_of("operators: {conv: {also: C <= 8}}\n") ==
        "2:13: there is no row of 'conv' to change (did you mean 'Conv'?); a new one needs "
        "'operators.conv.runs' or 'operators.conv.like'\n");
}

TEST_CASE("Every mistake of a row is said with its place") {
  const std::string rest = "chips: a\nsource: b\n";
  CHECK(complaints("base: bayse\n") ==
        "1:7: 'base' must be a path ending in .yaml or one of own, not 'bayse'\n");
  CHECK(complaints("base: own.yaml\n").find("or one extends itself") != std::string::npos);
  CHECK(
      complaints(rest +
                 "every: [rank is 4, {a: b}]\n"
                 "groups: {map: rank iz 4}\n"
                 "operators:\n"
                 "  Abs: bpuu\n"
                 "  Acos: {runs: bpu, precision: [int7], use: mapp, limits: [kernl <= 3, 'mode is cubik']}\n"
                 "  Add: {like: Asb}\n"
                 "  Sub: {like: Sub}\n"
                 "  Mul: {limit: []}\n") ==
      "3:20: 'every' must hold constraints as text, not a map\n"
      "4:20: 'groups.map': '<=', '>=', '<', '>', 'in', 'is' or 'are' must follow, not 'iz' (did you mean "
      "'in'?) in "
      "'rank iz 4'\n"
      "6:8: 'operators.Abs' must be one of bpu, manual, fused, gone, cpu, nowhere, quantised, float, "
      "unlisted, not 'bpuu' (did "
      "you "
      "mean 'bpu'?)\n"
      "7:33: 'operators.Acos.precision' must hold int8, int16, int32, not 'int7' (did you mean 'int8'?)\n"
      "7:45: 'operators.Acos.use': there is no group 'mapp' (did you mean 'map'?)\n"
      "7:60: 'operators.Acos.limits': there is no quantity 'kernl' (did you mean 'kernel'?) in 'kernl <= 3'\n"
      "7:81: 'operators.Acos.limits': 'mode' is never 'cubik' (did you mean 'cubic'?) in 'mode is cubik'\n"
      "8:15: 'operators.Add.like': there is no row of 'Asb' (did you mean 'Abs'?)\n"
      "9:15: 'operators.Sub.like': 'Sub' would be like itself\n"
      "10:3: 'operators.Mul.runs' or 'operators.Mul.like' is missing\n"
      "10:9: unknown key 'limit' in 'operators.Mul' (did you mean 'limits'?); known: also, becomes, input, "
      "like, "
      "limits, note, output, precision, runs, source, use, weight\n");
  CHECK(complaints(rest + "operators: {A: {like: B}, B: {like: C}, C: {like: A}}\n")
            .find("would be like itself") != std::string::npos);
  CHECK(complaints(rest + "operators: [Abs]\n").find("must be a map") != std::string::npos);
}

TEST_CASE("Replacements have names of their own") {
  std::vector<std::string_view> names;
  for (const Replacement& each : replacements()) names.push_back(each.name);
  std::sort(names.begin(), names.end());
  CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
}

TEST_CASE("The manual and the schema name every replacement") {
  const auto text_of = [](const std::filesystem::path& file) {
    std::ifstream stream(file);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  };
  const std::string manual = text_of(QPREP_SOURCE_DIR "/docs/replacements.md");
  const std::string schema = text_of(kConfigs / "schema.json");
  for (const Replacement& each : replacements()) {
    INFO(each.name);
    CHECK(manual.find(fmt::format("| `{}` | {} | {} |", each.name, each.what, each.exact)) !=
          std::string::npos);
    CHECK(schema.find(fmt::format("\"{}\"", each.name)) != std::string::npos);
  }
}
