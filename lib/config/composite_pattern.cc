#include "config/composite_pattern.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <stdexcept>
#include <utility>

#include "config/pattern_text.h"
#include "support/text.h"

namespace qprep {
namespace {

using Kind = CompositeOperand::Kind;

constexpr std::size_t kMostChoices = 512;

constexpr std::array<std::pair<std::string_view, Kind>, 5> kKinds{{{"const", Kind::kConstant},
                                                                   {"scalar", Kind::kScalar},
                                                                   {"reduced", Kind::kReduced},
                                                                   {"channel", Kind::kChannel},
                                                                   {"any", Kind::kAny}}};

CompositeStatement::Operand parse_operand(PatternText& text) {
  if (const auto number = text.number()) return {.kind = Kind::kNumber, .number = *number};
  std::string name = text.name("an operand");
  for (const auto& [word, kind] : kKinds) {
    if (name == word) return {.kind = kind, .name = text.name("an operand")};
  }
  return {.name = std::move(name)};
}

CompositeStatement parse_statement(PatternText& text) {
  CompositeStatement statement;
  statement.result = text.name("a name");
  text.expect("=");
  statement.word = text.name("an operator");
  text.expect("(");
  do {
    statement.operands.push_back(parse_operand(text));
  } while (text.accept(","));
  text.expect(")");
  statement.optional = text.accept("?");
  return statement;
}

template <typename Map>
std::vector<std::string> keys_of(const Map& map) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

using Scope = std::map<std::string, CompositeOperand, std::less<>>;

bool is_constant(const CompositeOperand& operand) {
  return operand.kind != Kind::kData && operand.kind != Kind::kResult && operand.kind != Kind::kAny;
}

/// Statements so far, under one choice.
struct Draft {
  std::vector<CompositeStep> steps = {};
  std::size_t names = 0;
  Scope scope = {};
  CompositeOperand last = {};  // the last result
};

class Expander {
 public:
  explicit Expander(const CompositeLanguage& language) : language_(language) {}

  std::vector<Draft> expand(const std::vector<CompositeStatement>& statements, Draft start) const {
    std::vector<Draft> drafts{std::move(start)};
    for (const CompositeStatement& statement : statements) {
      std::vector<Draft> next;
      for (const Draft& draft : drafts) {
        if (draft.scope.contains(statement.result)) {
          throw std::invalid_argument(fmt::format("'{}' is defined twice", statement.result));
        }
        for (Draft& with : choices(statement, draft)) next.push_back(std::move(with));
        if (statement.optional) next.push_back(without(statement, draft));
      }
      if (next.size() > kMostChoices) {
        throw std::invalid_argument(fmt::format("the pattern has more than {} choices", kMostChoices));
      }
      drafts = std::move(next);
    }
    return drafts;
  }

 private:
  static void define(Draft& draft, const std::string& name, const CompositeOperand& operand) {
    draft.scope.emplace(name, operand);
    draft.last = operand;
  }

  static CompositeOperand resolve(const CompositeStatement::Operand& operand, Draft& draft) {
    if (operand.kind == Kind::kNumber) return {.kind = Kind::kNumber, .number = operand.number};
    const auto at = draft.scope.find(operand.name);
    if (operand.kind == Kind::kData) {
      if (at != draft.scope.end()) return at->second;
      throw std::invalid_argument(fmt::format("'{}' is not defined{}", operand.name,
                                              did_you_mean(operand.name, keys_of(draft.scope))));
    }
    if (at != draft.scope.end()) {
      if (at->second.kind == operand.kind) return at->second;
      throw std::invalid_argument(fmt::format("'{}' is defined twice", operand.name));
    }
    const CompositeOperand constant{.kind = operand.kind, .name = draft.names++};
    draft.scope.emplace(operand.name, constant);
    return constant;
  }

  Draft without(const CompositeStatement& statement, Draft draft) const {
    define(draft, statement.result, resolve(statement.operands.front(), draft));
    return draft;
  }

  std::vector<Draft> choices(const CompositeStatement& statement, Draft draft) const {
    std::vector<CompositeOperand> operands;
    for (const CompositeStatement::Operand& operand : statement.operands) {
      operands.push_back(resolve(operand, draft));
    }
    if (const auto word = language_.words.find(statement.word); word != language_.words.end()) {
      if (word->second.commutative && operands.size() != 2) {
        throw std::invalid_argument(
            fmt::format("{} is commutative, which needs two operands", statement.word));
      }
      define(draft, statement.result, {.kind = Kind::kResult, .step = draft.steps.size()});
      draft.steps.push_back({word->second.any_of, word->second.commutative, std::move(operands)});
      return {std::move(draft)};
    }
    const auto phrase = language_.phrases.find(statement.word);
    if (phrase == language_.phrases.end()) {
      std::vector<std::string> known = keys_of(language_.words);
      for (std::string& name : keys_of(language_.phrases)) known.push_back(std::move(name));
      throw std::invalid_argument(fmt::format("'{}' is not one of 'operators' or 'phrases'{}", statement.word,
                                              did_you_mean(statement.word, known)));
    }
    return choices(phrase->second, statement, operands, draft);
  }

  std::vector<Draft> choices(const CompositePhrase& phrase, const CompositeStatement& statement,
                             const std::vector<CompositeOperand>& operands, const Draft& draft) const {
    if (operands.size() != phrase.of.size()) {
      throw std::invalid_argument(
          fmt::format("{} has {} operands, not {}", statement.word, phrase.of.size(), operands.size()));
    }
    Draft inner{draft.steps, draft.names};
    for (std::size_t i = 0; i < operands.size(); ++i) inner.scope.emplace(phrase.of[i], operands[i]);
    std::vector<Draft> found;
    for (const std::vector<CompositeStatement>& way : phrase.any_of) {
      for (Draft& done : expand(way, inner)) {
        Draft outer{std::move(done.steps), done.names, draft.scope};
        for (const auto& [name, operand] : done.scope) {
          if (is_constant(operand)) outer.scope.emplace(statement.result + "." + name, operand);
        }
        define(outer, statement.result, done.last);
        found.push_back(std::move(outer));
      }
    }
    return found;
  }

  const CompositeLanguage& language_;
};

/// Throws unless the last node makes the result, every other one something that a later one reads, and data
/// enters.
void check_use(const Draft& draft) {
  std::vector<bool> read(draft.steps.size(), false);
  bool enters = false;
  for (const CompositeStep& step : draft.steps) {
    for (const CompositeOperand& operand : step.operands) {
      if (operand.kind == Kind::kResult) read[operand.step] = true;
      enters = enters || operand.kind == Kind::kData;
    }
  }
  const bool ends = draft.last.kind == Kind::kResult && draft.last.step + 1 == draft.steps.size();
  if (!ends || std::find(read.begin(), read.end() - 1, false) != read.end() - 1) {
    throw std::invalid_argument("every result but the last must be read by a later statement");
  }
  if (!enters) throw std::invalid_argument("the pattern reads nothing of what 'of' names");
}

}  // namespace

std::vector<CompositeStatement> parse_composite(std::string_view text) {
  PatternText rest(text);
  std::vector<CompositeStatement> statements;
  rest.expect("{");
  while (!rest.accept("}")) statements.push_back(parse_statement(rest));
  rest.finish();
  if (statements.empty()) throw std::invalid_argument("the pattern has no statement");
  return statements;
}

std::vector<CompositePattern> expand_composite(const std::vector<CompositeStatement>& statements,
                                               const std::vector<std::string>& of,
                                               const CompositeLanguage& language) {
  Draft start;
  for (const std::string& name : of) {
    start.scope.emplace(name, CompositeOperand{.kind = Kind::kData, .name = start.names++});
  }
  std::vector<CompositePattern> patterns;
  for (Draft& draft : Expander(language).expand(statements, std::move(start))) {
    check_use(draft);
    patterns.push_back({.steps = std::move(draft.steps),
                        .names = draft.names,
                        .scope = {draft.scope.begin(), draft.scope.end()}});
  }
  return patterns;
}

}  // namespace qprep
