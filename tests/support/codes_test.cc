#include "support/codes.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
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

/// Every test but this file, and every expected output.
std::vector<std::string> tests() {
  std::vector<std::string> texts;
  const fs::path root = QPREP_SOURCE_DIR;
  for (const fs::path& folder : {root / "tests", root / "testdata/golden"}) {
    if (!fs::exists(folder)) continue;
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
  const std::vector<std::string> texts = tests();
  for (const auto& [constant, code] : listed_codes()) {
    const std::regex mention("codes::" + constant + "\\b|[\\[\"]" + code + "[\\]\"]");
    const auto mentions = [&](const std::string& text) { return std::regex_search(text, mention); };
    if (std::none_of(texts.begin(), texts.end(), mentions)) {
      FAIL_CHECK("no test speaks of codes::" << constant << " [" << code << "]");
    }
  }
}
