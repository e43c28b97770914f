#include "config/yaml_write.h"

#include <catch2/catch.hpp>

#include "support/sound_config.h"

using namespace qprep;

namespace {

std::shared_ptr<const YamlNode> parse(const std::string& text) {
  Diagnostics diagnostics;
  auto root = parse_yaml(text, "c", diagnostics);
  CHECK(diagnostics.all().empty());
  return root;
}

}  // namespace

TEST_CASE("A text that could be taken for something else is in quotes") {
  CHECK(yaml_scalar("head.cls", false) == "head.cls");
  CHECK(yaml_scalar("two words", false) == "two words");
  CHECK(yaml_scalar("-0.5", false) == "-0.5");
  CHECK(yaml_scalar("1", true) == "\"1\"");
  CHECK(yaml_scalar("", false) == "\"\"");
  CHECK(yaml_scalar("*.attn", false) == "\"*.attn\"");
  CHECK(yaml_scalar("- a", false) == "\"- a\"");
  CHECK(yaml_scalar(" a", false) == "\" a\"");
  CHECK(yaml_scalar("a # b", false) == "\"a # b\"");
  CHECK(yaml_scalar("re:a\\.b", false) == "\"re:a\\\\.b\"");
  CHECK(yaml_scalar("a\nb\"", false) == "\"a\\nb\\\"\"");
}

TEST_CASE("A document is written in block style, with comments in one column") {
  const auto root = parse("a: {b: 1, 'c c': [x, {y: z}, [1, 2], []]}\nd: ~\ne: {}\n");
  const std::string text = to_yaml(*root, [](const YamlPath& path, const YamlNode& value) {
    return std::to_string(path.size()) + " at " + std::to_string(value.where.line);
  });
  CHECK(text ==
        "a:\n"
        "  b: 1      # 2 at 1\n"
        "  c c:\n"
        "    - x     # 3 at 1\n"
        "    - y: z  # 4 at 1\n"
        "    - - 1   # 4 at 1\n"
        "      - 2   # 4 at 1\n"
        "    - []    # 3 at 1\n"
        "d: ~        # 1 at 2\n"
        "e: {}       # 1 at 3\n");
  CHECK(test::same_document(*root, *parse(text)));
}

TEST_CASE("What is written reads as the same document") {
  for (const char* text :
       {"'~': '~'\n\"null\": 'null'\n", "a: \"\\t\\x01\\u00e4\\n\"\n", "? \"a\\nb\"\n: |\n  two\n  lines\n",
        "a: &x {b: [1]}\nc: *x\n", "'': 'x: y'\n", "a: '#'\nb: 'a #b'\nc: '--- '\nd: '...'\n"}) {
    const auto root = parse(text);
    CHECK(test::same_document(*root, *parse(to_yaml(*root, nullptr))));
  }
}

TEST_CASE("Additions fill what is absent, and replacements reach every leaf") {
  const auto filled =
      with_additions(*parse("a: {b: 1}\nc: [x]\n"), *parse("a: {b: 2, d: 3}\nc: {e: 4}\nf: 5\n"));
  CHECK(to_yaml(*filled, nullptr) == "a:\n  b: 1\n  d: 3\nc:\n  - x\nf: 5\n");
  const auto replaced = with_replaced(*filled, [](const YamlPath& path, const YamlNode& value) {
    std::shared_ptr<YamlNode> other;
    if (value.text == "x") {
      CHECK(path.size() == 2);
      other = std::make_shared<YamlNode>(value);
      other->text = "y";
    }
    return other;
  });
  CHECK(to_yaml(*replaced, nullptr) == "a:\n  b: 1\n  d: 3\nc:\n  - y\nf: 5\n");
}
