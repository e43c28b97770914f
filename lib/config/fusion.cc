#include "config/fusion.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <stdexcept>
#include <utility>

#include "config/pattern_text.h"
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

  /// Whether the last parse defined the name, and in its last statement.
  bool ends_with(std::string_view name) const {
    const auto at = last_.find(name);
    return at != last_.end() && at->second == greatest(last_);
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
      throw std::invalid_argument(
          fmt::format("'{}' is not one of 'operators'{}", word, did_you_mean(word, known)));
    }
    FusionStep step{at->second.any_of, at->second.commutative, {}};
    text_.expect("(");
    do {
      step.operands.push_back(operand(results));
    } while (text_.accept(","));
    text_.expect(")");
    const auto read =
        std::count_if(step.operands.begin(), step.operands.end(),
                      [](const FusionOperand& each) { return each.kind == FusionOperand::Kind::kResult; });
    if (read != (first ? 0 : 1)) {
      throw std::invalid_argument(fmt::format(
          "{}(...) reads {} earlier results; the first statement reads none, every other one exactly one",
          word, read));
    }
    if (step.commutative && step.operands.size() != 2) {
      throw std::invalid_argument(fmt::format("{} is commutative, which needs two operands", word));
    }
    return step;
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
};

class Reader {
 public:
  explicit Reader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}
  /// With the words of another one.
  Reader(Diagnostics& diagnostics, const Reader& other) : diagnostics_(diagnostics), words_(other.words_) {}

  /// Words that were read before may be used too.
  FusionParts read(YamlMap& map) {
    FusionParts parts;
    read_words(map.map("operators"), parts);
    parts.heads = patterns(map.maps("heads"), {}, true);
    parts.tails = patterns(map.maps("tails"), {{std::string(kHeadResult), 0}}, false);
    parts.units = patterns(map.maps("units"), {}, false);
    map.finish();
    return parts;
  }

 private:
  void read_words(YamlMap map, FusionParts& parts) {
    for (const Placed<std::string>& key : map.keys()) {
      YamlMap word = map.map(key.value);
      Word read;
      if (const auto commutative = word.boolean("commutative")) read.commutative = commutative->value;
      const YamlNode* any_of = word.find("any_of");
      if (!any_of || any_of->kind != YamlNode::Kind::kList || any_of->items.empty()) {
        diagnostics_.error(codes::kBadValue,
                           fmt::format("{} must be a list of operators", word.name_of("any_of")), key.where);
      } else {
        for (const auto& item : any_of->items) {
          read.any_of.push_back(read_op(*item, word.name_of("any_of")));
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
    if (op.op.empty() || op.min.has_value() != op.max.has_value()) {
      diagnostics_.error(
          codes::kBadValue,
          fmt::format("{} needs 'op' or 'composite', and both of 'min' and 'max' or none", path), node.where);
    }
    map.finish();
    return op;
  }

  std::optional<double> number(YamlMap& map, std::string_view key) {
    const auto text = map.text(key);
    if (!text) return std::nullopt;
    if (const auto value = number_of(text->value)) return value;
    diagnostics_.error(codes::kBadValue, fmt::format("{} must be a number", map.name_of(key)), text->where);
    return std::nullopt;
  }

  std::vector<FusionPattern> patterns(std::vector<YamlMap> maps, const Results& results, bool heads) {
    std::vector<FusionPattern> found;
    for (YamlMap& map : maps) {
      const auto name = map.text("name");
      const auto pattern = map.text("pattern");
      map.finish();
      if (!name || !pattern) {
        diagnostics_.error(codes::kBadValue, fmt::format("'{}' needs 'name' and 'pattern'", map.path()),
                           map.where());
        continue;
      }
      try {
        PatternParser parser(pattern->value, words_);
        found.push_back({name->value, parser.parse(results)});
        if (heads) found.back().head = found.back().steps.size();
        if (heads && !parser.ends_with(kHeadResult)) {
          throw std::invalid_argument("the last statement of a head defines 'h'");
        }
      } catch (const std::invalid_argument& mistake) {
        diagnostics_.error(codes::kBadValue, fmt::format("{}: {}", map.name_of("pattern"), mistake.what()),
                           pattern->where);
      }
    }
    return found;
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
