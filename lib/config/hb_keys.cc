#include "config/hb_keys.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <utility>

#include "config/quote.h"
#include "config/yaml_reader.h"
#include "support/codes.h"

namespace qprep {
namespace {

constexpr std::array<std::pair<std::string_view, HbTool>, 2> kTools = {
    {{"hb_mapper", HbTool::kMapper}, {"hb_compile", HbTool::kCompile}}};

constexpr std::array<std::pair<std::string_view, HbKind>, 16> kKinds = {
    {{"text", HbKind::kText},
     {"path", HbKind::kPath},
     {"word", HbKind::kWord},
     {"flag", HbKind::kFlag},
     {"integer", HbKind::kInteger},
     {"number", HbKind::kNumber},
     {"names", HbKind::kNames},
     {"paths", HbKind::kPaths},
     {"words", HbKind::kWords},
     {"integers", HbKind::kIntegers},
     {"numbers", HbKind::kNumbers},
     {"shapes", HbKind::kShapes},
     {"node_info", HbKind::kNodeInfo},
     {"quant_config", HbKind::kQuantConfig},
     {"sources", HbKind::kSources},
     {"flags", HbKind::kFlags}}};

constexpr std::array<std::pair<std::string_view, HbUse>, 4> kUses = {{{"carried_out", HbUse::kCarriedOut},
                                                                      {"kept", HbUse::kKept},
                                                                      {"not_yet", HbUse::kNotYet},
                                                                      {"refused", HbUse::kRefused}}};

constexpr std::string_view kConversions = "conversions";

template <typename Enum, std::size_t N>
std::optional<Enum> word_in(YamlMap& map, std::string_view key,
                            const std::array<std::pair<std::string_view, Enum>, N>& table) {
  std::vector<std::string> words;
  for (const auto& [word, value] : table) words.emplace_back(word);
  const auto found = map.word(key, words);
  if (!found) return std::nullopt;
  const auto at = std::find_if(table.begin(), table.end(),
                               [&](const auto& entry) { return entry.first == found->value; });
  return at->second;
}

class Reader {
 public:
  explicit Reader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  HbKeys read(const YamlNode& root) {
    HbKeys keys;
    YamlMap file(root, "", diagnostics_);
    for (const Placed<std::string>& group : file.keys()) {
      if (group.value == kConversions) {
        YamlMap conversions = file.map(kConversions);
        read_conversions(conversions.map("hb_mapper"), keys.mapper_conversions);
        read_conversions(conversions.map("hb_compile"), keys.compile_conversions);
        conversions.finish();
        continue;
      }
      keys.groups.push_back(group.value);
      YamlMap rows = file.map(group.value);
      for (const Placed<std::string>& name : rows.keys()) {
        YamlMap row = rows.map(name.value);
        read_row(row, {group.value, name.value}, keys);
      }
    }
    return keys;
  }

 private:
  void read_row(YamlMap& row, HbKey key, HbKeys& keys) {
    read_columns(row, key);
    const auto only = word_in(row, "tools", kTools);
    HbKey of_compile = key;
    if (row.has("hb_compile")) {
      YamlMap different = row.map("hb_compile");
      read_columns(different, of_compile);
      different.finish();
    }
    if (!row.has("kind") || !row.has("use")) wrong(row, "a key has a 'kind' and a 'use'");
    if ((key.use == HbUse::kNotYet || key.use == HbUse::kRefused) && key.why.empty()) {
      wrong(row, "what is not carried out has a 'why'");
    }
    if (only != HbTool::kCompile) keys.mapper.push_back(std::move(key));
    if (only != HbTool::kMapper) keys.compile.push_back(std::move(of_compile));
    row.finish();
  }

  void read_columns(YamlMap& row, HbKey& key) {
    if (const auto kind = word_in(row, "kind", kKinds)) key.kind = *kind;
    if (const auto use = word_in(row, "use", kUses)) key.use = *use;
    if (row.has("words")) {
      key.words.clear();
      for (Placed<std::string>& word : row.texts("words")) key.words.push_back(std::move(word.value));
    }
    for (auto [name, target] : {std::pair{"min", &key.min}, {"max", &key.max}, {"or", &key.otherwise}}) {
      if (const auto text = row.text(name)) *target = number_of(*text);
    }
    if (const auto required = row.boolean("required")) key.required = required->value;
    for (auto [name, target] :
         {std::pair{"harmless", &key.harmless}, {"why", &key.why}, {"deprecated", &key.deprecated}}) {
      if (const auto text = row.text(name)) *target = text->value;
    }
    YamlMap words = row.map("deprecated_words");
    for (const Placed<std::string>& word : words.keys()) {
      if (const auto instead = words.text(word.value)) key.deprecated_words[word.value] = instead->value;
    }
  }

  static void read_conversions(YamlMap map, HbKeys::Conversions& conversions) {
    for (const Placed<std::string>& trained : map.keys()) {
      for (Placed<std::string>& fed : map.texts(trained.value)) {
        conversions[trained.value].push_back(std::move(fed.value));
      }
    }
  }

  std::optional<double> number_of(const Placed<std::string>& text) {
    double number = 0;
    const char* end = text.value.data() + text.value.size();
    const auto [stop, error] = std::from_chars(text.value.data(), end, number);
    if (error == std::errc() && stop == end) return number;
    diagnostics_.error(codes::kBadValue, fmt::format("{} is no number", quote(text.value)), text.where);
    return std::nullopt;
  }

  void wrong(const YamlMap& row, std::string_view what) {
    diagnostics_.error(codes::kBadValue, fmt::format("'{}': {}", row.path(), what), row.where());
  }

  Diagnostics& diagnostics_;
};

}  // namespace

std::string_view to_text(HbTool tool) { return tool == HbTool::kMapper ? "hb_mapper" : "hb_compile"; }

const HbKey* HbKeys::find(HbTool tool, std::string_view group, std::string_view name) const {
  const std::vector<HbKey>& keys = of(tool);
  const auto at = std::find_if(keys.begin(), keys.end(),
                               [&](const HbKey& key) { return key.group == group && key.name == name; });
  return at == keys.end() ? nullptr : &*at;
}

HbKeys read_hb_keys(const std::string& file) {
  Diagnostics diagnostics;
  HbKeys keys = Reader(diagnostics).read(*read_yaml(file, diagnostics));
  diagnostics.throw_if_error();
  return keys;
}

}  // namespace qprep
