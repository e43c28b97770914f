#include "driver/rules.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "support/codes.h"
#include "support/fatal.h"
#include "support/temporary_folder.h"

using namespace qprep;

TEST_CASE("The configurations of the checkout are found from a build tree inside it") {
  unsetenv("QPREP_CONFIGS");
  CHECK(std::filesystem::equivalent(find_configs(), QPREP_SOURCE_DIR "/configs"));
}

TEST_CASE("QPREP_CONFIGS is the folder, and one without configurations is refused by name") {
  setenv("QPREP_CONFIGS", QPREP_SOURCE_DIR "/configs", 1);
  CHECK(find_configs() == QPREP_SOURCE_DIR "/configs");
  const test::TemporaryFolder folder;
  setenv("QPREP_CONFIGS", folder.path().c_str(), 1);
  const std::string said = test::fatal_text(codes::kFileAccess, [] { find_configs(); });
  unsetenv("QPREP_CONFIGS");
  CHECK(said.starts_with(folder.path().string() + ": error: QPREP_CONFIGS names this folder"));
}

TEST_CASE("The rules of the checkout are sound") {
  const Rules rules = Rules::read(QPREP_SOURCE_DIR "/configs");
  Diagnostics diagnostics;
  const Env env = rules.env(diagnostics, {});
  CHECK(env.op_classes == &rules.op_classes);
  CHECK(env.fusion == &rules.fusion);
  CHECK(env.composites == &rules.composites);
}

namespace {

std::vector<std::string> replaced_by(const std::string& config) {
  return Rules::read(QPREP_SOURCE_DIR "/configs", parse_config(config, "c.yaml")).replace;
}

}  // namespace

TEST_CASE("A march acts where a configuration names it, and nothing where none does") {
  const Rules none = Rules::read(QPREP_SOURCE_DIR "/configs", parse_config("version: 1\n", "c.yaml"));
  Diagnostics diagnostics;
  CHECK_FALSE(none.march);
  CHECK(none.env(diagnostics, {}).march == nullptr);
  CHECK(none.env(diagnostics, {}).replace.empty());

  const Rules named = Rules::read(QPREP_SOURCE_DIR "/configs", parse_config("march: bayes\n", "c.yaml"));
  REQUIRE(named.march);
  CHECK(named.env(diagnostics, {}).march == &*named.march);
  CHECK(named.env(diagnostics, {}).replace == named.march->replace);
  CHECK_FALSE(named.march->replace.empty());
}

TEST_CASE("What a configuration replaces counts before what its march does") {
  using Names = std::vector<std::string>;
  CHECK(replaced_by("march: bayes\nreplace: none\n").empty());
  CHECK(replaced_by("march: bayes\nreplace: []\n").empty());
  CHECK(replaced_by("march: meta\nreplace: [sum-to-add]\n") == Names{"sum-to-add"});
  CHECK(replaced_by("replace: [pow-to-mul, sum-to-add]\n") == Names{"pow-to-mul", "sum-to-add"});
}
