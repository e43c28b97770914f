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
        "4:42: unknown key 'tial' in 'fuse'; known: heads, int16_addends, tail_relu, tails, units\n");
  const March bayes = read_march(kConfigs, "bayes");
  CHECK(bayes.tail_relu_apart);
  CHECK_FALSE(bayes.int16_addends);
  CHECK_FALSE(read_march(kConfigs, "bayes-e").tail_relu_apart);
  CHECK(read_march(kConfigs, "meta").int16_addends);
}

TEST_CASE("The marches of the checkout are sound, and each says where its numbers come from") {
  const std::vector<std::string> names = march_names(kConfigs);
  CHECK(names == std::vector<std::string>{"bayes", "bayes-e", "bernoulli2", "meta", "nash-b", "nash-e",
                                          "nash-h", "nash-m", "nash-p"});
  for (const std::string& name : names) {
    INFO(name);
    const March march = read_march(kConfigs, name);
    CHECK(march.name == name);
    CHECK_FALSE(march.chips.empty());
    CHECK_FALSE(march.source.empty());
    CHECK(march.provisional == (name == "meta" || name.starts_with("nash")));
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
