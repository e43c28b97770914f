#include "config/fusion.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <stdexcept>
#include <utility>

#include "config/pattern_text.h"
#include "config/quote.h"
#include "config/yaml_reader.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::string_view kHeadResult = "h";

struct Word {
  std::vector<FusionOp> any_of;
  bool commutative = false;
};
using Words = std::map<std::string, Word, std::less<>>;
/// Names that statements have defined, and the numbers of these.
using Results = std::map<std::string, std::size_t, std::less<>>;

/// Reads "{ c = ConvLike(x, const w)  y = Act(c) }". Throws std::invalid_argument with a sentence.
class PatternParser {
 public:
  PatternParser(std::string_view text, const Words& words) : text_(text), words_(words) {}

  /// `results`: names that are defined before, by statement number.
  std::vector<FusionStep> parse(Results results) {
    const std::size_t first = results.empty() ? 0 : 1 + greatest(results);
    std::vector<FusionStep> steps;
    text_.expect("{");
    goes_on_ = !results.empty();
    while (!text_.accept("}")) {
      const std::string result = text_.name("a name");
      text_.expect("=");
      steps.push_back(statement(results, first + steps.size() == 0));
      if (!results.emplace(result, first + steps.size() - 1).second) {
        throw std::invalid_argument(fmt::format("'{}' is defined twice", result));
      }
    }
    text_.finish();
    if (steps.empty()) throw std::invalid_argument("the pattern has no statement");
    last_ = results;
    return steps;
  }

  /// What the last statement of the last parse defined.
  std::string last() const {
    for (const auto& [name, step] : last_) {
      if (step == greatest(last_)) return name;
    }
    return "";
  }

 private:
  static std::size_t greatest(const Results& results) {
    std::size_t last = 0;
    for (const auto& [name, step] : results) last = std::max(last, step);
    return last;
  }

  FusionStep statement(const Results& results, bool first) {
    const std::string word = text_.name("an operator");
    const auto at = words_.find(word);
    if (at == words_.end()) {
      std::vector<std::string> known;
      for (const auto& [each, ops] : words_) known.push_back(each);
      const std::string near = did_you_mean(word, known);
      throw std::invalid_argument(fmt::format(
          "'{}' is not one of 'operators'{}", word,
          near.empty()
              ? fmt::format("; there are {}: add {}: {{any_of: [{}]}} there", join(known, ", "), word, word)
              : near));
    }
    FusionStep step{at->second.any_of, at->second.commutative, {}};
    text_.expect("(");
    do {
      step.operands.push_back(operand(results));
    } while (text_.accept(","));
    text_.expect(")");
    check_chain(word, step, results, first);
    if (step.commutative && step.operands.size() != 2) {
      throw std::invalid_argument(fmt::format("{} is commutative, which needs two operands", word));
    }
    return step;
  }

  /// Each statement but the very first reads one result of those before it.
  void check_chain(const std::string& word, const FusionStep& step, const Results& results,
                   bool first) const {
    std::vector<std::string> read, operands, known;
    for (const FusionOperand& each : step.operands) {
      operands.push_back(each.name);
      if (each.kind == FusionOperand::Kind::kResult) read.push_back(each.name);
    }
    if (read.size() == (first ? 0 : 1)) return;
    const std::string what = fmt::format("{}({})", word, join(operands, ", "));
    if (!read.empty()) {
      throw std::invalid_argument(
          fmt::format("{} reads {}, results of statements before it; a statement reads one of them", what,
                      join(read, " and ")));
    }
    for (const auto& [name, step_of] : results) known.push_back(name);
    std::string near;
    for (const std::string& each : operands) {
      if (near.empty()) near = did_you_mean(each, known);
    }
    throw std::invalid_argument(
        goes_on_ && results.size() == 1
            ? fmt::format("{} does not read '{}': a tail begins with what reads the result of its head", what,
                          kHeadResult)
            : fmt::format("{} reads no result of a statement before it{}; there are {}", what, near,
                          join(known, ", ")));
  }

  FusionOperand operand(const Results& results) {
    FusionOperand operand;
    operand.name = text_.name("an operand");
    if (operand.name == "const" || operand.name == "bias") {
      operand.kind = operand.name == "const" ? FusionOperand::Kind::kConstant : FusionOperand::Kind::kBias;
      operand.name = text_.name("an operand");
    } else if (const auto at = results.find(operand.name); at != results.end()) {
      operand.kind = FusionOperand::Kind::kResult;
      operand.step = at->second;
    }
    operand.optional = text_.accept("?");
    return operand;
  }

  PatternText text_;
  const Words& words_;
  Results last_;
  bool goes_on_ = false;  // a tail: names are defined before its first statement
};

class Reader {
 public:
  explicit Reader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}
  /// With the words of another one.
  Reader(Diagnostics& diagnostics, const Reader& other) : diagnostics_(diagnostics), words_(other.words_) {}

  /// Words that were read before may be used too.
  FusionParts read(YamlMap& map) {
    FusionParts parts;
    const YamlNode* operators = map.find("operators");
    if (operators && !map.has("heads") && !map.has("tails") && !map.has("units")) {
      diagnostics_.error(codes::kBadValue,
                         fmt::format("{} are words of patterns, and there are none: write {}, {} or {}",
                                     map.name_of("operators"), map.name_of("heads"), map.name_of("tails"),
                                     map.name_of("units")),
                         operators->where);
    }
    read_words(map.map("operators"), parts);
    parts.heads = patterns(map.maps("heads"), {}, Place::kHead);
    parts.tails = patterns(map.maps("tails"), {{std::string(kHeadResult), 0}}, Place::kTail);
    parts.units = patterns(map.maps("units"), {}, Place::kUnit);
    map.finish();
    return parts;
  }

 private:
  enum class Place { kHead, kTail, kUnit };

  void wrong(std::string message, const Where& where) {
    diagnostics_.error(codes::kBadValue, std::move(message), where);
  }

  void read_words(YamlMap map, FusionParts& parts) {
    for (const Placed<std::string>& key : map.keys()) {
      const YamlNode& stated = *map.find(key.value);
      if (stated.kind != YamlNode::Kind::kMap) {
        wrong(fmt::format("{} must be a map such as {{any_of: [Relu]}}, not {}", map.name_of(key.value),
                          describe(stated)),
              stated.where);
        words_.insert_or_assign(key.value, Word{});
        continue;
      }
      YamlMap word = map.map(key.value);
      Word read;
      if (const auto commutative = word.boolean("commutative")) read.commutative = commutative->value;
      const YamlNode* any_of = word.find("any_of");
      if (!any_of || any_of->kind != YamlNode::Kind::kList || any_of->items.empty()) {
        wrong(fmt::format("{} must be a list of operators{}", word.name_of("any_of"),
                          !any_of                                 ? ""
                          : any_of->kind == YamlNode::Kind::kList ? ", not an empty one"
                                                                  : ", not " + describe(*any_of)),
              any_of ? any_of->where : key.where);
      } else {
        for (const auto& item : any_of->items) {
          read.any_of.push_back(read_op(*item, word.path() + ".any_of"));
          if (!read.any_of.back().op.empty())
            parts.own_operators.push_back({read.any_of.back(), item->where});
        }
      }
      word.finish();
      words_.insert_or_assign(key.value, std::move(read));
    }
  }

  FusionOp read_op(const YamlNode& node, const std::string& path) {
    if (node.kind == YamlNode::Kind::kScalar) return {node.text};
    YamlMap map(node, path, diagnostics_);
    FusionOp op;
    if (const auto name = map.text("op")) op.op = name->value;
    if (const auto name = map.text("composite")) op = {name->value, true};
    op.min = number(map, "min");
    op.max = number(map, "max");
    if ((op.op.empty() && !map.has("op") && !map.has("composite")) || map.has("min") != map.has("max")) {
      wrong(fmt::format("'{}' needs 'op' or 'composite', and both of 'min' and 'max' or none", path),
            node.where);
    }
    if (op.min && op.max && *op.min > *op.max) {
      wrong(fmt::format("{} {} is above {} {}", map.name_of("min"), *op.min, map.name_of("max"), *op.max),
            node.where);
    }
    map.finish();
    return op;
  }

  std::optional<double> number(YamlMap& map, std::string_view key) {
    const auto text = map.text(key);
    if (!text) return std::nullopt;
    if (const auto value = number_of(text->value)) return value;
    wrong(fmt::format("{} must be a number, not {}", map.name_of(key), quote(text->value)), text->where);
    return std::nullopt;
  }

  std::vector<FusionPattern> patterns(std::vector<YamlMap> maps, const Results& results, Place place) {
    std::vector<FusionPattern> found;
    for (YamlMap& map : maps) {
      const auto name = map.text("name");
      std::optional<Placed<std::string>> pattern;
      if (const YamlNode* stated = map.find("pattern"); stated && stated->kind != YamlNode::Kind::kScalar) {
        wrong(fmt::format("{} must be a text in quotes such as \"{}\", not {}", map.name_of("pattern"),
                          place == Place::kTail   ? "{ y = Act(h) }"
                          : place == Place::kHead ? "{ h = ConvLike(x, w, b?) }"
                                                  : "{ c = ConvLike(x, w, b?)  y = Act(c) }",
                          describe(*stated)),
              stated->where);
      } else {
        pattern = map.text("pattern");
      }
      for (const char* key : {"name", "pattern"}) {
        if (!map.has(key))
          diagnostics_.error(codes::kMissingKey, fmt::format("{} is missing", map.name_of(key)), map.where());
      }
      map.finish();
      if (!name || !pattern) continue;
      try {
        found.push_back(read_pattern(name->value, pattern->value, results, place));
      } catch (const std::invalid_argument& mistake) {
        wrong(fmt::format("{}: {}", map.name_of("pattern"), mistake.what()), pattern->where);
      }
    }
    return found;
  }

  /// Throws std::invalid_argument with a sentence.
  FusionPattern read_pattern(const std::string& name, const std::string& text, const Results& results,
                             Place place) const {
    PatternParser parser(text, words_);
    FusionPattern pattern{name, parser.parse(results)};
    if (place == Place::kHead) {
      pattern.head = pattern.steps.size();
      if (parser.last() != kHeadResult) {
        throw std::invalid_argument(
            fmt::format("the last statement of a head defines '{}', not '{}'", kHeadResult, parser.last()));
      }
    }
    if (place == Place::kUnit && pattern.steps.size() < 2) {
      throw std::invalid_argument("a sequence has two statements or more; one node is a kernel by itself");
    }
    return pattern;
  }

  Diagnostics& diagnostics_;
  Words words_;
};

/// In a tail, statement 0 is the head's last one.
FusionPattern joined(const FusionPattern& head, const FusionPattern& tail) {
  FusionPattern pattern{head.name + "-" + tail.name, head.steps, head.steps.size()};
  for (FusionStep step : tail.steps) {
    for (FusionOperand& operand : step.operands) {
      if (operand.kind == FusionOperand::Kind::kResult) operand.step += head.steps.size() - 1;
    }
    pattern.steps.push_back(std::move(step));
  }
  return pattern;
}

void append(std::vector<FusionPattern>& patterns, const std::vector<FusionPattern>& more) {
  patterns.insert(patterns.end(), more.begin(), more.end());
}

}  // namespace

FusionRules FusionRules::of(FusionParts parts) {
  FusionRules rules;
  rules.patterns = parts.heads;
  for (const FusionPattern& head : parts.heads) {
    for (const FusionPattern& tail : parts.tails) rules.patterns.push_back(joined(head, tail));
  }
  append(rules.patterns, parts.units);
  std::stable_sort(
      rules.patterns.begin(), rules.patterns.end(),
      [](const FusionPattern& a, const FusionPattern& b) { return a.steps.size() > b.steps.size(); });
  rules.parts = std::move(parts);
  return rules;
}

FusionRules FusionRules::with_tails(const std::vector<std::string>& names) const {
  FusionParts some = parts;
  std::erase_if(some.tails, [&names](const FusionPattern& tail) {
    return std::find(names.begin(), names.end(), tail.name) == names.end();
  });
  return of(std::move(some));
}

FusionRules FusionRules::with(const FusionParts& more) const {
  FusionParts all = parts;
  append(all.heads, more.heads);
  append(all.tails, more.tails);
  append(all.units, more.units);
  return of(std::move(all));
}

FusionRules read_fusion_rules(const std::string& file) {
  Diagnostics diagnostics;
  const auto root = read_yaml(file, diagnostics);
  YamlMap map(*root, "", diagnostics);
  FusionParts parts = Reader(diagnostics).read(map);
  diagnostics.throw_if_error();
  return FusionRules::of(std::move(parts));
}

FusionParts read_fusion_parts(YamlMap& map, const std::string& file, Diagnostics& diagnostics) {
  Diagnostics of_the_words;
  Reader words(of_the_words);
  const auto root = read_yaml(file, of_the_words);
  YamlMap base(*root, "", of_the_words);
  words.read(base);
  of_the_words.throw_if_error();
  return Reader(diagnostics, words).read(map);
}

}  // namespace qprep
