#include "support/codes.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

/// "kFileAccess" to "file-access", as lib/support/codes.h lists them.
std::map<std::string, std::string> listed_codes() {
  const std::string header = text_of(fs::path(QPREP_SOURCE_DIR) / "lib/support/codes.h");
  const std::regex line(R"re(constexpr std::string_view\s+(k\w+)\s*=\s*"([^"]*)")re");
  std::map<std::string, std::string> codes;
  for (std::sregex_iterator it(header.begin(), header.end(), line), end; it != end; ++it) {
    codes[(*it)[1]] = (*it)[2];
  }
  return codes;
}

/// The tests and expected outputs in the folders, but this file.
std::vector<std::string> texts_in(const std::vector<std::string>& folders) {
  std::vector<std::string> texts;
  for (const std::string& name : folders) {
    const fs::path folder = fs::path(QPREP_SOURCE_DIR) / name;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      const fs::path& file = entry.path();
      const bool is_test =
          file.extension() == ".cc" || file.extension() == ".py" || file.extension() == ".txt";
      if (entry.is_regular_file() && is_test && file.filename() != "codes_test.cc") {
        texts.push_back(text_of(file));
      }
    }
  }
  return texts;
}

/// Checks that of each code, `but` these, a text has a match of what `how` makes of it, and of these none.
void check_that_each_is_in(
    const std::vector<std::string>& texts,
    const std::function<std::regex(const std::string& constant, const std::string& code)>& how,
    const std::set<std::string>& but) {
  for (const auto& [constant, code] : listed_codes()) {
    const std::regex mention = how(constant, code);
    const bool there = std::any_of(texts.begin(), texts.end(),
                                   [&](const std::string& text) { return std::regex_search(text, mention); });
    INFO(constant << " [" << code << "]");
    CHECK(there != but.contains(code));
  }
}

/// What only the bytes of a model, samples, the machine or the command line provoke, and no configuration.
const std::set<std::string> kOfNoConfiguration = {
    "bad-statistics", "broken-graph",    "corrupt-model",   "external-data",    "fake-quantize",
    "low-similarity", "model-too-large", "node-order",      "not-drawn",        "overwrites-input",
    "pass-not-run",   "runtime-failure", "runtime-missing", "runtime-unusable", "shape-inference"};

}  // namespace

TEST_CASE("codes are in kebab case, each is its constant's name, and no two are equal") {
  const auto codes = listed_codes();
  REQUIRE(codes.contains("kFileAccess"));
  for (const auto& [constant, code] : codes) {
    CAPTURE(constant, code);
    std::string expected;
    for (const char letter : constant.substr(1)) {
      if (std::isupper(static_cast<unsigned char>(letter)) && !expected.empty()) expected += '-';
      expected += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    }
    CHECK(code == expected);
  }
}

TEST_CASE("every code has a test that provokes it") {
  const auto mention = [](const std::string& constant, const std::string& code) {
    return std::regex("codes::" + constant + "\\b|[\\[\"]" + code + "[\\]\"]");
  };
  check_that_each_is_in(texts_in({"tests", "testdata/golden"}), mention, {});
}

TEST_CASE("every code of a configuration stands in a golden file, with its whole message") {
  const auto line = [](const std::string&, const std::string& code) {
    return std::regex("(error|warning|note): [^\n]*\\[" + code + "\\]\n");
  };
  check_that_each_is_in(texts_in({"testdata/golden"}), line, kOfNoConfiguration);
}
