#include "config/composites.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>
#include <stdexcept>
#include <utility>

#include "config/composite_pattern.h"
#include "config/pattern_text.h"
#include "config/replacements.h"
#include "config/yaml_reader.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::array<std::pair<std::string_view, ReducedAxes>, 6> kAxes{{{"some", ReducedAxes::kSome},
                                                                         {"trailing", ReducedAxes::kTrailing},
                                                                         {"one", ReducedAxes::kOne},
                                                                         {"inner", ReducedAxes::kInner},
                                                                         {"spatial", ReducedAxes::kSpatial},
                                                                         {"plane", ReducedAxes::kPlane}}};

constexpr std::int64_t kNewestOpset = 99;  // beyond what there is

std::vector<std::string> axes_words() {
  std::vector<std::string> words;
  for (const auto& [word, axes] : kAxes) words.emplace_back(word);
  return words;
}

ReducedAxes axes_from(std::string_view word) {
  return std::find_if(kAxes.begin(), kAxes.end(), [&](const auto& each) { return each.first == word; })
      ->second;
}

/// What an operator's operands and attributes, and the conditions, speak of.
std::vector<std::string> names_in(const CompositeMeaning& meaning) {
  std::vector<std::string> names;
  const auto add = [&](const CompositeNumber& number) {
    for (const CompositeNumber::Step& step : number.steps) names.push_back(step.name);
  };
  for (const CompositeMeaning::Input& input : meaning.inputs) names.push_back(input.name);
  for (const CompositeMeaning::Attribute& attribute : meaning.attributes) add(attribute.number);
  for (const CompositeCondition& condition : meaning.given) {
    add(condition.left);
    add(condition.right);
  }
  std::erase(names, "");
  return names;
}

/// Throws unless some choice of the pattern defines each name.
void check_names(const CompositeMeaning& meaning, const std::vector<CompositePattern>& choices) {
  std::set<std::string, std::less<>> known;
  for (const CompositePattern& choice : choices) {
    for (const auto& [name, operand] : choice.scope) known.insert(name);
  }
  for (const std::string& name : names_in(meaning)) {
    if (known.contains(name)) continue;
    throw std::invalid_argument(
        fmt::format("'means' and 'given' speak of '{}', which the pattern does not define{}", name,
                    did_you_mean(name, {known.begin(), known.end()})));
  }
}

class Reader {
 public:
  explicit Reader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  Composites read(const YamlNode& root) {
    YamlMap map(root, "", diagnostics_);
    read_words(map.map("operators"));
    read_phrases(map.map("phrases"));
    Composites composites;
    for (YamlMap& entry : map.maps("composites")) read_composite(entry, composites.patterns);
    for (YamlMap& entry : map.maps("blocks")) read_block(entry, composites.blocks);
    for (YamlMap& entry : map.maps("rearrangements")) read_rearrangement(entry, composites.rearrangements);
    map.finish();
    return composites;
  }

 private:
  void error(std::string message, const Where& where) {
    diagnostics_.error(codes::kBadValue, std::move(message), where);
  }

  void read_words(YamlMap map) {
    for (const Placed<std::string>& key : map.keys()) {
      YamlMap word = map.map(key.value);
      CompositeWord read;
      if (const auto commutative = word.boolean("commutative")) read.commutative = commutative->value;
      const YamlNode* any_of = word.find("any_of");
      if (!any_of || any_of->kind != YamlNode::Kind::kList || any_of->items.empty()) {
        error(fmt::format("{} must be a list of operators", word.name_of("any_of")), key.where);
      } else {
        for (const auto& item : any_of->items) read.any_of.push_back(read_op(*item, word.path() + ".any_of"));
      }
      word.finish();
      language_.words.emplace(key.value, std::move(read));
    }
  }

  CompositeOp read_op(const YamlNode& node, const std::string& path) {
    if (node.kind == YamlNode::Kind::kScalar) return {node.text};
    YamlMap map(node, path, diagnostics_);
    CompositeOp op;
    if (const auto name = map.text("op")) op.op = name->value;
    if (op.op.empty()) error(fmt::format("'{}' needs 'op'", path), node.where);
    op.min = number(map, "min");
    op.max = number(map, "max");
    if (const auto axes = map.word("axes", axes_words())) op.axes = axes_from(axes->value);
    if (const auto keeps = map.word("keepdims", {"true", "false", "any"})) {
      op.keeps_axes = keeps->value == "any" ? std::nullopt : std::optional(keeps->value == "true");
    }
    for (YamlMap& entry : map.maps("attributes")) read_number(entry, op);
    map.finish();
    return op;
  }

  void read_number(YamlMap& map, CompositeOp& op) {
    const auto name = map.text("name");
    const auto is = number(map, "is");
    const auto otherwise = number(map, "default");
    map.finish();
    if (name && is) {
      op.numbers.push_back({name->value, *is, otherwise});
    } else {
      error(fmt::format("'{}' needs 'name' and 'is'", map.path()), map.where());
    }
  }

  std::optional<double> number(YamlMap& map, std::string_view key) {
    const auto text = map.text(key);
    if (!text) return std::nullopt;
    if (const auto value = number_of(text->value)) return value;
    error(fmt::format("{} must be a number", map.name_of(key)), text->where);
    return std::nullopt;
  }

  std::vector<std::string> names(YamlMap& map, std::string_view key) {
    std::vector<std::string> found;
    for (const Placed<std::string>& name : map.texts(key)) found.push_back(name.value);
    if (found.empty()) error(fmt::format("{} must be a list of names", map.name_of(key)), map.where());
    return found;
  }

  /// The patterns of a phrase or composite: parsed, and expanded to see that they are sound.
  template <typename Take>
  void read_patterns(YamlMap& map, const std::vector<std::string>& of, const Take& take) {
    const auto texts = map.texts("any_of");
    if (texts.empty())
      error(fmt::format("{} must be a list of patterns", map.name_of("any_of")), map.where());
    for (const Placed<std::string>& text : texts) {
      try {
        std::vector<CompositeStatement> statements = parse_composite(text.value);
        std::vector<CompositePattern> patterns = expand_composite(statements, of, language_);
        take(std::move(patterns), std::move(statements));
      } catch (const std::invalid_argument& mistake) {
        error(fmt::format("{}: {}", map.name_of("any_of"), mistake.what()), text.where);
      }
    }
  }

  void read_phrases(YamlMap map) {
    for (const Placed<std::string>& key : map.keys()) {
      if (language_.words.contains(key.value)) {
        error(fmt::format("{} is one of 'operators' too", map.name_of(key.value)), key.where);
      }
      YamlMap entry = map.map(key.value);
      CompositePhrase phrase{names(entry, "of"), {}};
      read_patterns(entry, phrase.of, [&](const auto&, std::vector<CompositeStatement> statements) {
        phrase.any_of.push_back(std::move(statements));
      });
      entry.finish();
      language_.phrases.emplace(key.value, std::move(phrase));
    }
  }

  std::string name_of(YamlMap& map) {
    const auto name = map.text("name");
    if (!name) error(fmt::format("'{}' needs 'name'", map.path()), map.where());
    return name ? name->value : "";
  }

  /// What `means` and `given` of a composite, or of one of its spellings, say.
  struct Meant {
    std::shared_ptr<const CompositeMeaning> meaning;
    std::vector<CompositeCondition> given;
  };

  /// A spelling has what the composite says, unless it says what it means itself.
  Meant read_meant(YamlMap& map, const Meant& otherwise) {
    Meant meant = otherwise;
    const auto means = map.text("means");
    // For the test that runs the spellings.
    const bool has_formula = map.text("formula").has_value();
    map.texts("differs");
    const auto since = map.integer("since", 1, kNewestOpset);
    const auto conditions = map.texts("given");
    if (since && !means) error(fmt::format("{} needs 'means'", map.name_of("since")), since->where);
    if (means || has_formula) meant.meaning = nullptr;
    try {
      if (means && since) {
        CompositeMeaning meaning = parse_meaning(means->value);
        meaning.since = since->value;
        meant.meaning = std::make_shared<const CompositeMeaning>(std::move(meaning));
      }
    } catch (const std::invalid_argument& mistake) {
      error(fmt::format("{}: {}", map.name_of("means"), mistake.what()), means->where);
    }
    for (const Placed<std::string>& condition : conditions) {
      try {
        meant.given.push_back(parse_condition(condition.value));
      } catch (const std::invalid_argument& mistake) {
        error(fmt::format("{}: {}", map.name_of("given"), mistake.what()), condition.where);
      }
    }
    return meant;
  }

  void read_spelling(const YamlNode& node, const std::vector<std::string>& of, const Meant& usual,
                     const std::string& path, const CompositePattern& common,
                     std::vector<CompositePattern>& composites) {
    Meant meant = usual;
    Placed<std::string> text{node.text, node.where};
    if (node.kind != YamlNode::Kind::kScalar) {
      YamlMap map(node, path.substr(1, path.size() - 2), diagnostics_);
      const auto pattern = map.text("pattern");
      if (pattern) text = *pattern;
      if (!pattern) error(fmt::format("'{}' needs 'pattern'", map.path()), node.where);
      meant = read_meant(map, usual);
      YamlMap example = map.map("example");  // sizes, for the test that runs the spellings
      for (const Placed<std::string>& key : example.keys()) example.texts(key.value);
      example.finish();
      map.finish();
      if (!pattern) return;
    }
    try {
      std::vector<CompositePattern> choices = expand_composite(parse_composite(text.value), of, language_);
      std::shared_ptr<const CompositeMeaning> meaning;
      if (meant.meaning) {
        CompositeMeaning whole = *meant.meaning;
        whole.given = meant.given;
        check_names(whole, choices);
        meaning = std::make_shared<const CompositeMeaning>(std::move(whole));
      }
      for (CompositePattern& pattern : choices) {
        pattern.name = common.name;
        pattern.bounded = common.bounded;
        pattern.replaceable = common.replaceable;
        pattern.meaning = meaning;
        if (!meaning) pattern.scope.clear();
        composites.push_back(std::move(pattern));
      }
    } catch (const std::invalid_argument& mistake) {
      error(fmt::format("{}: {}", path, mistake.what()), text.where);
    }
  }

  void read_composite(YamlMap& map, std::vector<CompositePattern>& composites) {
    const auto bounded = map.boolean("bounded");
    CompositePattern common;
    common.name = name_of(map);
    common.bounded = bounded && bounded->value;
    common.replaceable = read_replacements(map, "replaceable", diagnostics_);
    const std::vector<std::string> of = names(map, "of");
    const Meant usual = read_meant(map, {});
    const YamlNode* any_of = map.find("any_of");
    if (!any_of || any_of->kind != YamlNode::Kind::kList || any_of->items.empty()) {
      error(fmt::format("{} must be a list of patterns", map.name_of("any_of")), map.where());
    } else {
      const std::string path = map.name_of("any_of");
      for (const auto& item : any_of->items) read_spelling(*item, of, usual, path, common, composites);
    }
    map.finish();
  }

  void read_block(YamlMap& map, std::vector<CompositePattern>& blocks) {
    std::vector<CompositeStep> through;
    for (const Placed<std::string>& word : map.texts("through")) {
      const auto at = language_.words.find(word.value);
      if (at == language_.words.end()) {
        error(fmt::format("{}: '{}' is not one of 'operators'", map.name_of("through"), word.value),
              word.where);
        continue;
      }
      through.push_back({at->second.any_of, at->second.commutative, {}});
    }
    const std::string name = name_of(map);
    CompositeMeaning meaning;  // no operator: only what must hold
    meaning.given = read_meant(map, {}).given;
    const auto given = std::make_shared<const CompositeMeaning>(std::move(meaning));
    read_patterns(map, names(map, "of"), [&](std::vector<CompositePattern> patterns, const auto&) {
      for (CompositePattern& pattern : patterns) {
        pattern.name = name;
        pattern.through = through;
        pattern.meaning = given;
        blocks.push_back(std::move(pattern));
      }
    });
    map.finish();
  }

  void read_rearrangement(YamlMap& map, std::vector<Rearrangement>& rearrangements) {
    const auto name = map.text("name");
    if (!name) error(fmt::format("'{}' needs 'name'", map.path()), map.where());
    const auto texts = map.texts("any_of");
    if (texts.empty()) {
      error(fmt::format("{} must be a list of rearrangements", map.name_of("any_of")), map.where());
    }
    for (const Placed<std::string>& text : texts) {
      try {
        rearrangements.push_back(parse_rearrangement(text.value));
        rearrangements.back().name = name ? name->value : "";
      } catch (const std::invalid_argument& mistake) {
        error(fmt::format("{}: {}", map.name_of("any_of"), mistake.what()), text.where);
      }
    }
    map.finish();
  }

  Diagnostics& diagnostics_;
  CompositeLanguage language_;
};

}  // namespace

Composites read_composites(const std::string& file) {
  Diagnostics diagnostics;
  Composites composites = Reader(diagnostics).read(*read_yaml(file, diagnostics));
  diagnostics.throw_if_error();
  return composites;
}

}  // namespace qprep
