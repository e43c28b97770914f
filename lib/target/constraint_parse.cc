#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>
#include <utility>

#include "support/text.h"
#include "target/constraint_cursor.h"
#include "target/constraint_tree.h"

namespace qprep {
namespace {

using Kind = Expression::Kind;
using Relation = Test::Relation;

constexpr std::size_t kDeepest = 32;    // nested brackets
constexpr std::size_t kLongest = 1000;  // bytes of a constraint

const std::map<std::string_view, Kind>& functions() {
  static const std::map<std::string_view, Kind> all = {{"product", Kind::kProduct},
                                                       {"count", Kind::kCount},
                                                       {"min", Kind::kMin},
                                                       {"max", Kind::kMax},
                                                       {"align", Kind::kAlign}};
  return all;
}

class Parser : private ConstraintCursor {
 public:
  explicit Parser(std::string_view text) : ConstraintCursor(text), size_(text.size()) {}

  ConstraintTree parse() {
    if (size_ > kLongest) fail(0, fmt::format("a constraint has at most {} bytes", kLongest));
    ConstraintTree tree;
    tree.claim = test();
    if (accept_word("when")) tree.when = conditions();
    if (accept_word("unless")) tree.unless = conditions();
    if (at_end()) return tree;
    const std::string found = peek();
    std::vector<std::string> known = {"unless"};
    if (tree.when.empty() && tree.unless.empty()) known.insert(known.begin(), "when");
    if (!tree.when.empty() || !tree.unless.empty()) known.emplace_back("and");
    fail(at(), fmt::format("'{}' or the end must follow, not '{}'{}", join(known, "', '"), found,
                           did_you_mean(found, known)));
  }

 private:
  std::vector<Test> conditions() {
    std::vector<Test> tests;
    do {
      tests.push_back(test());
    } while (accept_word("and"));
    return tests;
  }

  Expression literal() {
    Expression expression;
    expression.literal = integer();
    return expression;
  }

  QuantityName quantity() {
    const std::size_t begin = at();
    const std::string text = word("a quantity");
    std::vector<std::string> candidates;
    std::optional<QuantityName> name = quantity_named(text, candidates);
    if (!name) {
      if (text.find('.') == std::string::npos) {
        for (const auto& [function, kind] : functions()) candidates.emplace_back(function);
        candidates.emplace_back("shapes");
      }
      fail(begin, fmt::format("there is no quantity '{}'{}", text, did_you_mean(text, candidates)));
    }
    if (next() == '[') slice(*name, begin);
    return *name;
  }

  void slice(QuantityName& name, std::size_t begin) {
    if (!name.quantity->is_list()) fail(begin, fmt::format("'{}' is no list", name.text()));
    expect("[");
    const std::int64_t first = peek() == "." ? 0 : integer();
    std::int64_t last = first;
    if (accept("..")) {
      last = peek() == "]" ? -1 : integer();
    }
    expect("]");
    name.slice = {first, last};
  }

  Expression factor() {
    if (++depth_ > kDeepest) fail(at(), fmt::format("brackets may be {} deep", kDeepest));
    Expression expression = bare_factor();
    --depth_;
    return expression;
  }

  Expression bare_factor() {
    if (accept("(")) {
      Expression nested;
      nested.kind = Kind::kNested;
      nested.operands.push_back(sum());
      expect(")");
      return nested;
    }
    const std::size_t begin = at();
    if (is_digit(next()) || next() == '-') return literal();
    const std::string text = peek();
    const auto function = functions().find(text);
    if (function != functions().end()) return call(text, function->second);
    Expression expression;
    expression.kind = Kind::kQuantity;
    expression.name = quantity();
    if (expression.name.quantity->kind != QuantityKind::kNumber) {
      fail(begin, fmt::format("'{}' is no number", expression.name.text()));
    }
    return expression;
  }

  Expression call(const std::string& name, Kind kind) {
    Expression expression;
    const std::size_t begin = at();
    expression.kind = kind;
    accept(name);
    expect("(");
    do {
      expression.operands.push_back(sum());
    } while (accept(","));
    expect(")");
    const std::size_t wanted = kind == Kind::kProduct || kind == Kind::kCount ? 1 : 2;
    if (expression.operands.size() != wanted) {
      fail(begin, fmt::format("'{}' takes {}", name, wanted == 1 ? "one list" : "two numbers"));
    }
    if (wanted == 1 && expression.operands[0].kind != Kind::kQuantity) {
      fail(begin, fmt::format("'{}' takes the name of a list", name));
    }
    return expression;
  }

  static Expression joined(Kind kind, Expression left, Expression right) {
    Expression expression;
    expression.kind = kind;
    expression.operands.push_back(std::move(left));
    expression.operands.push_back(std::move(right));
    return expression;
  }

  Expression product() {
    Expression left = factor();
    while (true) {
      if (accept("*")) {
        left = joined(Kind::kMultiply, std::move(left), factor());
      } else if (accept("/")) {
        left = joined(Kind::kDivide, std::move(left), factor());
      } else if (accept("%")) {
        left = joined(Kind::kRemainder, std::move(left), factor());
      } else {
        return left;
      }
    }
  }

  Expression sum() {
    Expression left = product();
    while (true) {
      if (accept("+")) {
        left = joined(Kind::kAdd, std::move(left), product());
      } else if (accept("-")) {
        left = joined(Kind::kSubtract, std::move(left), product());
      } else {
        return left;
      }
    }
  }

  Test test() {
    if (peek() == "shapes") return shapes();
    Test test;
    const bool denied = accept_word("not");
    const std::size_t begin = at();
    if (is_letter(next()) && !functions().contains(peek())) {
      test.left.kind = Kind::kQuantity;
      test.left.name = quantity();
      const QuantityKind kind = test.left.name.quantity->kind;
      if (kind == QuantityKind::kFact) {
        test.relation = denied ? Relation::kNotFact : Relation::kFact;
        return test;
      }
      if (denied) fail(begin, fmt::format("'{}' is nothing that holds or not", test.left.name.text()));
      if (kind == QuantityKind::kWord || !test.left.name.attribute.empty()) {
        if (words(test)) return test;
      }
    }
    go_to(begin);
    test.left = sum();
    relate(test);
    return test;
  }

  /// "is A or B" of a quantity that is a word. False: a number follows (an attribute may be either).
  bool words(Test& test) {
    const QuantityName& name = test.left.name;
    if (!accept_word("is")) {
      if (!name.attribute.empty()) return false;
      fail(at(), fmt::format("'is' must follow '{}', which is a word", name.text()));
    }
    test.relation = accept_word("not") ? Relation::kIsNot : Relation::kIs;
    if (!name.attribute.empty() && (at_end() || !is_letter(next()))) return false;
    do {
      const std::size_t begin = at();
      const std::string found = word("a word");
      const std::vector<std::string>& known = name.quantity->words;
      if (!known.empty() && std::ranges::find(known, found) == known.end()) {
        fail(begin, fmt::format("'{}' is never '{}'{}", name.text(), found, did_you_mean(found, known)));
      }
      test.words.push_back(found);
    } while (accept_word("or"));
    return true;
  }

  void relate(Test& test) {
    const std::size_t begin = at();
    for (const auto& [sign, relation] : {std::pair("<=", Relation::kAtMost),
                                         {">=", Relation::kAtLeast},
                                         {"<", Relation::kBelow},
                                         {">", Relation::kAbove}}) {
      if (!accept(sign)) continue;
      test.relation = relation;
      test.bounds.push_back(sum());
      return;
    }
    if (accept_word("in")) {
      test.relation = Relation::kInRange;
      test.bounds.push_back(literal());
      expect("..");
      test.bounds.push_back(literal());
      if (test.bounds[0].literal > test.bounds[1].literal) {
        fail(begin, fmt::format("no number is in {}..{}", test.bounds[0].literal, test.bounds[1].literal));
      }
      return;
    }
    if (accept_word("is")) return relate_is(test);
    if (accept_word("are")) return relate_are(test, begin);
    const std::string found = peek();
    const std::string missing = "'<=', '>=', '<', '>', 'in', 'is' or 'are' must follow";
    const std::string meant = did_you_mean(found, {"in", "is", "are"});
    fail(begin, found.empty() ? missing : fmt::format("{}, not '{}'{}", missing, found, meant));
  }

  void relate_is(Test& test) {
    if (accept_word("odd")) {
      test.relation = Relation::kOdd;
    } else if (accept_word("even")) {
      test.relation = Relation::kEven;
    } else if (accept_word("power")) {
      test.relation = Relation::kPowerOf2;
      if (!accept_word("of") || !accept_word("2")) fail(at(), "'power of 2' is the only power");
    } else {
      test.relation = accept_word("not") ? Relation::kIsNot : Relation::kIs;
      do {
        test.bounds.push_back(sum());
      } while (accept_word("or"));
    }
  }

  void relate_are(Test& test, std::size_t begin) {
    if (test.left.kind != Kind::kQuantity || !test.left.name.quantity->is_list()) {
      fail(begin, "'are' follows the name of a list");
    }
    if (accept_word("equal")) {
      test.relation = Relation::kEqual;
      return;
    }
    test.relation = Relation::kSet;
    do {
      test.bounds.push_back(literal());
    } while (accept_word("and"));
  }

  Test shapes() {
    Test test;
    test.relation = Relation::kShapes;
    accept("shapes");
    if (!accept_word("are")) fail(at(), "'are' must follow 'shapes'");
    do {
      ShapePattern pattern;
      do {
        pattern.push_back(shape());
      } while (accept_word("with"));
      test.patterns.push_back(std::move(pattern));
    } while (accept_word("or"));
    return test;
  }

  /// "NxCx1x1".
  std::vector<PatternDim> shape() {
    std::vector<PatternDim> dims;
    at();
    while (true) {
      PatternDim dim;
      if (next() >= 'A' && next() <= 'Z') {
        dim.letter = next();
        skip_byte();
      } else if (is_digit(next())) {
        dim.size = integer();
      } else {
        fail(at(), "a shape is capital letters and numbers with 'x' between them");
      }
      dims.push_back(dim);
      if (next() != 'x') return dims;
      skip_byte();
    }
  }

  std::size_t size_;
  std::size_t depth_ = 0;
};

}  // namespace

ConstraintTree parse_constraint(std::string_view text) { return Parser(text).parse(); }

}  // namespace qprep
