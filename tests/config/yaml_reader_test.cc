#include "config/yaml_reader.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace qprep;

namespace {

using Lines = std::vector<std::string>;

Lines texts_of(const std::vector<Diagnostic>& diagnostics) {
  Lines lines;
  for (const Diagnostic& each : diagnostics) lines.push_back(to_text(each));
  return lines;
}

/// What parsing complains of; empty if it is accepted.
Lines complaints(const std::string& text, const YamlLimits& limits = {}) {
  Diagnostics diagnostics;
  try {
    parse_yaml(text, "c", diagnostics, limits);
  } catch (const Fatal& failure) {
    return texts_of(failure.diagnostics());
  }
  return texts_of(diagnostics.all());
}

std::shared_ptr<const YamlNode> parse(const std::string& text) {
  Diagnostics diagnostics;
  auto root = parse_yaml(text, "c", diagnostics);
  CHECK(texts_of(diagnostics.all()) == Lines{});
  return root;
}

std::string repeat(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

Where at(int line, int column) { return {"c", line, column}; }

}  // namespace

TEST_CASE("Values know their kind and their place") {
  const auto root = parse("a: 1\nb: {c: [x, 'y'], d: }\ne:\n  - \"q\"\n");
  REQUIRE(root->kind == YamlNode::Kind::kMap);
  REQUIRE(root->entries.size() == 3);
  CHECK(root->entries[0].where == at(1, 1));
  CHECK(root->entries[0].value->text == "1");
  CHECK_FALSE(root->entries[0].value->quoted);
  CHECK(root->entries[0].value->where == at(1, 4));
  const YamlNode& b = *root->entries[1].value;
  REQUIRE(b.entries.size() == 2);
  CHECK(b.entries[0].value->items.at(1)->quoted);
  CHECK(b.entries[0].value->items.at(1)->where == at(2, 12));
  CHECK(b.entries[1].value->kind == YamlNode::Kind::kNull);
  CHECK(b.entries[1].value->where == at(2, 18));
  CHECK(root->entries[2].value->items.at(0)->where == at(4, 5));
}

TEST_CASE("Line ends of Windows and a byte order mark change nothing") {
  const auto root = parse(
      "\xEF\xBB\xBF"
      "a: 1\r\nb:\r\n  c: two words\r\n");
  REQUIRE(root->entries.size() == 2);
  CHECK(root->entries[1].key == "b");
  CHECK(root->entries[1].where.line == 2);
  CHECK(root->entries[1].value->entries.at(0).value->text == "two words");
}

TEST_CASE("An alias is the value that it names, shared") {
  const auto root = parse("a: &x [1, 2]\nb: *x\n");
  CHECK(root->entries[1].value == root->entries[0].value);
  CHECK(root->size == 9);
}

TEST_CASE("What is no YAML is refused with its place, in plain words") {
  CHECK(complaints("a: b: c\n") == Lines{"c:1:5: error: a ':' where no value can start; a key's ':' needs a "
                                         "blank behind it, a text with ': ' "
                                         "in it needs quotes [yaml-syntax]"});
  CHECK(complaints("a: {b: c\n") ==
        Lines{"c:1:4: error: the bracket that opens here is never closed [yaml-syntax]"});
  CHECK(complaints("a: [b,\n") ==
        Lines{"c:1:4: error: the bracket that opens here is never closed [yaml-syntax]"});
  CHECK(complaints("a: \"bc") == Lines{"c:1:7: error: the file ends inside a text in quotes [yaml-syntax]"});
  CHECK(complaints("a: 1\n]\n") ==
        Lines{"c:2:1: error: a closing bracket without an opening one [yaml-syntax]"});
  CHECK(complaints("a: *y\n") == Lines{"c:1:4: error: an alias ('*') of a name that no anchor ('&') above "
                                       "has; a text that begins with '*' "
                                       "needs quotes [yaml-syntax]"});
  CHECK(complaints("a: &x [*x]\n") ==
        Lines{"c:1:8: error: this alias stands inside the value that it names [yaml-syntax]"});
  CHECK(complaints("a: @b\n") ==
        Lines{"c:1:4: error: '@' cannot start a value; put the text in quotes [yaml-syntax]"});
  CHECK(complaints("%YAML 3.0\n---\na: 1\n") ==
        Lines{"c:1:1: error: not YAML: YAML major version too large [yaml-syntax]"});
}

TEST_CASE("A text in quotes that the file's end cuts off is never closed, wherever the end is") {
  const Lines first = {"c:1:4: error: the text in quotes that begins here is never closed [yaml-syntax]"};
  CHECK(complaints("a: \"bc\n") == first);
  CHECK(complaints("a: 'bc\nd: e\n") == first);
  CHECK(complaints("a: \"b\\\"\n") == first);
  CHECK(complaints("a: 'b''\n") == first);
  CHECK(complaints("a: &x \"bc\n") == first);
  CHECK(complaints("\xEF\xBB\xBF"
                   "a: \"bc\n") == first);
  CHECK(complaints("a: 'b''c'\nd: \"e\\\"\" # it's\nf: |\n  \"\ng: &x 'h'\n") == Lines{});
}

TEST_CASE("Merge keys and very long keys are refused by name") {
  CHECK(complaints("a: &x {b: 1}\nc:\n  <<: *x\n") ==
        Lines{"c:3:3: error: '<<' (a merge key) is not understood; write the keys, or an alias as the whole "
              "value "
              "[yaml-syntax]"});
  CHECK(
      complaints("? " + std::string(1001, 'k') + "\n: 1\n") ==
      Lines{"c:1:3: error: a key of more than 1000 bytes: '" + std::string(60, 'k') + "...' [yaml-syntax]"});
  CHECK(complaints("\"<<\": 1\n") == Lines{});
}

TEST_CASE("An empty file, and one of comments only, is said to be empty") {
  for (const char* text : {"", "\n\n", "# nothing\n", "---\n", "\xEF\xBB\xBF"}) {
    CHECK(complaints(text) == Lines{"c: error: the file is empty [yaml-syntax]"});
  }
}

TEST_CASE("A second document is refused") {
  CHECK(complaints("a: 1\n---\nb: 2\n") ==
        Lines{"c:2:1: error: a second document starts here; only one is allowed in a file [yaml-syntax]"});
  CHECK(complaints("---\na: 1\n...\n") == Lines{});
}

TEST_CASE("Every duplicate key is reported and the first one counts") {
  CHECK(complaints("a: 1\nb: {c: 1, c: 2}\na: 2\n") ==
        Lines{"c:2:11: error: duplicate key 'c'; it already stands in line 2 [duplicate-key]",
              "c:3:1: error: duplicate key 'a'; it already stands in line 1 [duplicate-key]"});
  Diagnostics diagnostics;
  const auto root = parse_yaml("a: 1\na: 2\n", "c", diagnostics);
  REQUIRE(root->entries.size() == 1);
  CHECK(root->entries[0].value->text == "1");
}

TEST_CASE("Keys that are no words, and tags, are refused") {
  CHECK(complaints("? [a]\n: b\n") == Lines{"c:1:3: error: a key must be a word [yaml-syntax]"});
  CHECK(complaints("a: !!python/object b\n") ==
        Lines{"c:1:4: error: the tag 'tag:yaml.org,2002:python/object' is not understood here; leave it out "
              "[yaml-syntax]"});
}

TEST_CASE("Every line that is indented with a tab is reported") {
  CHECK(complaints("a:\n\tb: 1\n  \tc: 2\n") ==
        Lines{"c:2:1: error: a tab in the indentation; YAML allows only spaces there [yaml-syntax]",
              "c:3:3: error: a tab in the indentation; YAML allows only spaces there [yaml-syntax]"});
  CHECK(complaints("a:\t1 # a tab elsewhere\n") == Lines{});
}

TEST_CASE("Bytes that are no text are refused") {
  CHECK(complaints("a: \xFF\n") ==
        Lines{"c:1:4: error: a byte that is not UTF-8 text; save the file as UTF-8 [yaml-syntax]"});
  CHECK(complaints("a: \xC0\x80\n").size() == 1);      // overlong
  CHECK(complaints("a: \xED\xA0\x80\n").size() == 1);  // half of a surrogate pair
  CHECK(complaints("a: \xF4\x90\x80\x80\n").size() == 1);
  CHECK(complaints("a: \xF0\x9F\x90\xB1 \xC3\xA4 \xE4\xBD\xA0\n") == Lines{});
  CHECK(complaints(std::string("a: 1\0\n", 6)) ==
        Lines{"c:1:5: error: a control character (0x00) that YAML does not allow [yaml-syntax]"});
  CHECK(complaints("\xFF\xFE"
                   "a") == Lines{"c:1:1: error: the file is UTF-16; save it as UTF-8 [yaml-syntax]"});
}

TEST_CASE("A file that would take long or much memory is refused at once") {
  const std::size_t limit = YamlLimits{}.bytes;
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string previous = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + previous +
            repeat("," + previous, 9) + "]\n";
  }
  std::string staircase;
  for (std::size_t i = 0; i < 900; ++i) staircase += std::string(i, ' ') + "a:\n";
  const std::vector<std::string> bad = {
      bomb,
      staircase,
      std::string(limit, '['),
      std::string(limit, '{'),
      "a: " + std::string(10000, '[') + std::string(10000, ']'),
      repeat("{a: ", 10000) + std::string(10000, '}'),
      repeat("- ", limit / 2),
      repeat("? ", limit / 2),
      repeat(": ", limit / 2),
      repeat("a: 1\n", limit / 5),
      "[" + repeat("1,", limit / 2 - 2) + "]",
      repeat("---\n", limit / 4),
      std::string(limit, ':'),
      std::string(limit, '*'),
      repeat("&a ", limit / 3),
      repeat("a:\n\tb\n", limit / 6),
      std::string(limit + 1, 'x'),
  };
  for (const std::string& text : bad) {
    const auto start = std::chrono::steady_clock::now();
    const Lines lines = complaints(text);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    INFO(text.substr(0, 40));
    CHECK(!lines.empty());
    CHECK(lines.size() <= 60);
    CHECK(taken.count() < 5.0);  // a second on an idle machine; the sanitizers take longer
  }
}

TEST_CASE("Depth, number of values and bytes are limited as asked") {
  CHECK(complaints("[[[a]]]", {.depth = 3}) == Lines{});
  CHECK(complaints("[[[[a]]]]", {.depth = 3}) ==
        Lines{"c:1:4: error: lists and maps are nested more than 3 deep [yaml-syntax]"});
  CHECK(complaints("[a, b, c]", {.values = 4}) == Lines{});
  CHECK(
      complaints("[a, b, c]", {.values = 3}) ==
      Lines{
          "c:1:8: error: more than 3 values, counting every alias as all that it stands for [yaml-syntax]"});
  CHECK(complaints("abcd", {.bytes = 3}) ==
        Lines{"c: error: the file is larger than 3 bytes, which no configuration is [yaml-syntax]"});
}

TEST_CASE("What is no readable file is refused") {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("qprep_yaml_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const auto refused = [](const std::filesystem::path& path) {
    Diagnostics diagnostics;
    CHECK_THROWS_AS(read_yaml(path.string(), diagnostics), Fatal);
  };
  refused(folder);
  refused(folder / "missing.yaml");
  refused("/dev/zero");
  mkfifo((folder / "fifo").c_str(), 0600);
  refused(folder / "fifo");
  std::ofstream(folder / "large.yaml") << std::string(YamlLimits{}.bytes + 1, ' ');
  refused(folder / "large.yaml");
  std::filesystem::remove_all(folder);
}

TEST_CASE("The cursor checks types and gives places") {
  const auto root = parse(
      "text: word\nnumber: -7\nbig: 99999999999999999999\nyes: true\nlist: [a, b]\nmap: {x: 1}\nmaps: [{x: "
      "1}, {x: 2}]\n");
  Diagnostics diagnostics;
  YamlMap map(*root, "", diagnostics);
  CHECK(map.text("text")->value == "word");
  CHECK(map.integer("number", -10, 10)->value == -7);
  CHECK(map.boolean("yes")->value);
  CHECK(map.texts("list").at(1).where == at(5, 11));
  CHECK(map.map("map").integer("x", 0, 5)->value == 1);
  CHECK(map.maps("maps").at(1).integer("x", 0, 5)->value == 2);
  CHECK_FALSE(map.text("absent"));
  CHECK(map.texts("absent").empty());
  CHECK(map.maps("absent").empty());
  CHECK(map.keys().size() == 7);
  CHECK(diagnostics.all().empty());

  CHECK_FALSE(map.integer("number", 0, 10));
  CHECK_FALSE(map.integer("big", 0, 10));
  CHECK_FALSE(map.integer("text", 0, 10));
  CHECK_FALSE(map.boolean("text"));
  CHECK_FALSE(map.text("list"));
  CHECK(map.texts("text").empty());
  CHECK(map.texts("maps").empty());
  CHECK(map.maps("map").empty());
  CHECK(
      texts_of(diagnostics.all()) ==
      Lines{"c:2:9: error: 'number' must be a whole number from 0 to 10, not '-7' [bad-value]",
            "c:3:6: error: 'big' must be a whole number from 0 to 10, not '99999999999999999999' [bad-value]",
            "c:1:7: error: 'text' must be a whole number from 0 to 10, not 'word' [bad-value]",
            "c:1:7: error: 'text' must be true or false, not 'word' [bad-value]",
            "c:5:7: error: 'list' must be a text, not a list [bad-value]",
            "c:1:7: error: 'text' must be a list of texts, not 'word' [bad-value]",
            "c:7:8: error: 'maps' must hold texts only, not a map [bad-value]",
            "c:7:16: error: 'maps' must hold texts only, not a map [bad-value]",
            "c:6:6: error: 'map' must be a list of maps, not a map [bad-value]"});
}

TEST_CASE("A number or a truth value in quotes is a text") {
  const auto root = parse("a: '1'\nb: \"true\"\n");
  Diagnostics diagnostics;
  YamlMap map(*root, "", diagnostics);
  CHECK_FALSE(map.integer("a", 0, 5));
  CHECK_FALSE(map.boolean("b"));
  CHECK(diagnostics.all().size() == 2);
}

TEST_CASE("Very many unknown keys do not drown the report, and a long one is cut") {
  std::string text = std::string(100, 'x') + ": 1\n";
  for (int i = 0; i < 100; ++i) text += "k" + std::to_string(i) + ": 1\n";
  const auto root = parse(text);
  Diagnostics diagnostics;
  YamlMap map(*root, "", diagnostics);
  map.finish();
  REQUIRE(diagnostics.all().size() == 21);
  CHECK(diagnostics.all().front().message == "unknown key '" + std::string(60, 'x') + "...'; known: ");
  CHECK(diagnostics.all().back().message == "and 81 more unknown keys");
}
