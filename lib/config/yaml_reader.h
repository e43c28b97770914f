#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/diagnostics.h"

/// A strict reader of small YAML files. Every value knows its line and column; every mistake of a file is
/// collected, so that one run reports them all. Anchors and aliases are understood, but shared, never copied.
///
///     Diagnostics diagnostics;
///     const std::shared_ptr<const YamlNode> root = read_yaml("qprep.yaml", diagnostics);
///     YamlMap map(*root, "", diagnostics);
///     auto march = map.word("march", {"bayes", "bayes-e"});
///     YamlMap output = map.map("output");
///     ... output.finish();
///     map.finish();                    // unknown keys
///     diagnostics.throw_if_error();
namespace qprep {

/// What a file may be at most. A document beyond one of them is refused with a sentence.
struct YamlLimits {
  std::size_t bytes = std::size_t{512} << 10;
  std::size_t depth = 64;
  std::size_t values = 100'000;  // each alias counted as all that it stands for
};

/// One value of a document, immutable. A key without a value is kNull, so is a plain `null` or `~`.
struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  struct Entry {
    std::string key;
    Where where;  // of the key
    std::shared_ptr<const YamlNode> value;
  };

  Kind kind = Kind::kNull;
  std::string text;     // kScalar
  bool quoted = false;  // kScalar: in quotes or a block, hence never a number or a truth value
  Where where;
  std::vector<std::shared_ptr<const YamlNode>> items;  // kList
  std::vector<Entry> entries;                          // kMap, in the file's order; each key once
  std::vector<Entry> repeated;                         // kMap: keys that stood in it before, left out
  std::size_t size = 1;  // values in it: itself, keys, and all that aliases stand for
};

/// What a value is, for messages about another one than the expected: "a list", "nothing", "'yes'", "'1' in
/// quotes".
std::string describe(const YamlNode& node);

/// The one document of the file. Throws Fatal if it cannot be read, is no YAML, is empty, or is beyond the
/// limits; duplicate keys and tags are added to `diagnostics` (the first of two equal keys counts).
std::shared_ptr<const YamlNode> read_yaml(const std::string& file, Diagnostics& diagnostics,
                                          const YamlLimits& limits = {});

/// The same for text in memory; `file` is its name in messages.
std::shared_ptr<const YamlNode> parse_yaml(std::string_view text, const std::string& file,
                                           Diagnostics& diagnostics, const YamlLimits& limits = {});

/// A value that was read, and where it stands.
template <typename T>
struct Placed {
  T value;
  Where where;
};

/// A cursor over a map that checks types. A getter returns nothing for an absent key; for a wrong value too,
/// after saying so. What no getter asked for is an unknown key.
class YamlMap {
 public:
  /// `path`: how messages call the map: "output"; empty for the file's own level. A node that is no map is
  /// said to be wrong, and the cursor is then empty. `node` outlives the cursor.
  YamlMap(const YamlNode& node, std::string path, Diagnostics& diagnostics);

  /// Where the map stands.
  const Where& where() const { return where_; }
  const std::string& path() const { return path_; }

  /// The key is there (it counts as known from now on).
  bool has(std::string_view key);
  /// The raw value, for what the getters below do not cover; null = absent.
  const YamlNode* find(std::string_view key);
  /// Any text; empty text is refused.
  std::optional<Placed<std::string>> text(std::string_view key);
  /// One of `allowed`, as written there.
  std::optional<Placed<std::string>> word(std::string_view key, const std::vector<std::string>& allowed);
  /// A decimal whole number in min..max.
  std::optional<Placed<std::int64_t>> integer(std::string_view key, std::int64_t min, std::int64_t max);
  /// A decimal number in min..max.
  std::optional<Placed<double>> number(std::string_view key, double min, double max);
  /// true or false.
  std::optional<Placed<bool>> boolean(std::string_view key);
  /// A list of texts; empty for an absent key.
  std::vector<Placed<std::string>> texts(std::string_view key);
  /// A map within; an absent key gives an empty one, whose finish() finds nothing to say.
  YamlMap map(std::string_view key);
  /// A list of maps; empty for an absent key.
  std::vector<YamlMap> maps(std::string_view key);

  /// All keys, for a map whose keys are the user's own names.
  std::vector<Placed<std::string>> keys() const;

  /// Reports every key that nothing asked for, with the nearest one that was asked for.
  void finish();

  /// "'output.form'" or "'march'", for messages.
  std::string name_of(std::string_view key) const;

 private:
  const YamlNode* scalar(std::string_view key, std::string_view expected);
  template <typename Number>
  std::optional<Placed<Number>> parsed(std::string_view key, Number min, Number max,
                                       const std::string& expected);

  const YamlNode* node_;
  Where where_;
  std::string path_;
  Diagnostics* diagnostics_;
  std::vector<std::string> known_;
};

}  // namespace qprep
