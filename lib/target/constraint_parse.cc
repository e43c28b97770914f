#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <map>
#include <utility>

#include "support/text.h"
#include "target/constraint_tree.h"

namespace qprep {
namespace {

using Kind = Expression::Kind;
using Relation = Test::Relation;

constexpr std::size_t kDeepest = 32;    // nested brackets
constexpr std::size_t kLongest = 1000;  // bytes of a constraint

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_name(char c) { return is_letter(c) || is_digit(c); }

const std::map<std::string_view, Kind>& functions() {
  static const std::map<std::string_view, Kind> all = {{"product", Kind::kProduct},
                                                       {"count", Kind::kCount},
                                                       {"min", Kind::kMin},
                                                       {"max", Kind::kMax},
                                                       {"align", Kind::kAlign}};
  return all;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  ConstraintTree parse() {
    if (text_.size() > kLongest) fail(0, fmt::format("a constraint has at most {} bytes", kLongest));
    ConstraintTree tree;
    tree.claim = test();
    if (accept_word("when")) tree.when = conditions();
    if (accept_word("unless")) tree.unless = conditions();
    skip_spaces();
    if (at_ == text_.size()) return tree;
    const std::string next = peek();
    std::vector<std::string> known = {"unless"};
    if (tree.when.empty() && tree.unless.empty()) known.insert(known.begin(), "when");
    if (!tree.when.empty() || !tree.unless.empty()) known.emplace_back("and");
    fail(at_, fmt::format("'{}' or the end must follow, not '{}'{}", join(known, "', '"), next,
                          did_you_mean(next, known)));
  }

 private:
  [[noreturn]] static void fail(std::size_t at, const std::string& message) {
    throw ConstraintMistake(at, message);
  }

  std::vector<Test> conditions() {
    std::vector<Test> tests;
    do {
      tests.push_back(test());
    } while (accept_word("and"));
    return tests;
  }

  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  bool accept(std::string_view token) {
    skip_spaces();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  void expect(std::string_view token) {
    if (accept(token)) return;
    fail(at_, at_ == text_.size() ? fmt::format("'{}' is missing at the end", token)
                                  : fmt::format("'{}' is missing before '{}'", token, peek()));
  }

  /// The word, number or sign that comes next, without taking it.
  std::string peek() {
    skip_spaces();
    std::size_t end = at_;
    while (end < text_.size() && (is_name(text_[end]) || (text_[end] == '.' && end + 1 < text_.size() &&
                                                          is_letter(text_[end + 1])))) {
      ++end;
    }
    if (end == at_ && end < text_.size()) ++end;
    return std::string(text_.substr(at_, end - at_));
  }

  bool accept_word(std::string_view word) {
    if (peek() != word) return false;
    at_ += word.size();
    return true;
  }

  /// A word of letters, digits and dots.
  std::string word(std::string_view what) {
    const std::string found = peek();
    if (found.empty()) fail(at_, fmt::format("{} is missing at the end", what));
    if (!is_letter(found.front())) fail(at_, fmt::format("{} is missing before '{}'", what, found));
    at_ += found.size();
    return found;
  }

  std::int64_t integer() {
    skip_spaces();
    std::int64_t value = 0;
    const char* begin = text_.data() + at_;
    const auto [stop, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) fail(at_, "a number takes at most 64 bits");
    if (error != std::errc()) {
      const std::string next = peek();
      fail(at_, next.empty() ? "a number is missing at the end"
                             : fmt::format("a number is missing before '{}'", next));
    }
    at_ += static_cast<std::size_t>(stop - begin);
    return value;
  }

  Expression literal() {
    Expression expression;
    expression.literal = integer();
    return expression;
  }

  QuantityName quantity() {
    skip_spaces();
    const std::size_t at = at_;
    const std::string text = word("a quantity");
    std::vector<std::string> candidates;
    std::optional<QuantityName> name = quantity_named(text, candidates);
    if (!name) {
      if (text.find('.') == std::string::npos) {
        for (const auto& [function, kind] : functions()) candidates.emplace_back(function);
        candidates.emplace_back("shapes");
      }
      fail(at, fmt::format("there is no quantity '{}'{}", text, did_you_mean(text, candidates)));
    }
    if (at_ < text_.size() && text_[at_] == '[') slice(*name, at);
    return *name;
  }

  void slice(QuantityName& name, std::size_t at) {
    if (!name.quantity->is_list()) fail(at, fmt::format("'{}' is no list", name.text()));
    expect("[");
    const std::int64_t first = peek() == "." ? 0 : integer();
    std::int64_t last = first;
    if (accept("..")) {
      skip_spaces();
      last = at_ < text_.size() && text_[at_] == ']' ? -1 : integer();
    }
    expect("]");
    name.slice = {first, last};
  }

  Expression factor() {
    skip_spaces();
    if (++depth_ > kDeepest) fail(at_, fmt::format("brackets may be {} deep", kDeepest));
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
    if (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '-')) return literal();
    const std::string next = peek();
    const auto function = functions().find(next);
    if (function != functions().end()) return call(next, function->second);
    Expression expression;
    const std::size_t at = at_;
    expression.kind = Kind::kQuantity;
    expression.name = quantity();
    if (expression.name.quantity->kind != QuantityKind::kNumber) {
      fail(at, fmt::format("'{}' is no number", expression.name.text()));
    }
    return expression;
  }

  Expression call(const std::string& name, Kind kind) {
    Expression expression;
    const std::size_t at = at_;
    expression.kind = kind;
    at_ += name.size();
    expect("(");
    do {
      expression.operands.push_back(sum());
    } while (accept(","));
    expect(")");
    const std::size_t wanted = kind == Kind::kProduct || kind == Kind::kCount ? 1 : 2;
    if (expression.operands.size() != wanted) {
      fail(at, fmt::format("'{}' takes {}", name, wanted == 1 ? "one list" : "two numbers"));
    }
    if (wanted == 1 && expression.operands[0].kind != Kind::kQuantity) {
      fail(at, fmt::format("'{}' takes the name of a list", name));
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
    skip_spaces();
    const std::string next = peek();
    if (next == "shapes") return shapes();
    Test test;
    const bool denied = accept_word("not");
    const std::size_t before = at_;
    if (!next.empty() && is_letter(next.front()) && !functions().contains(next)) {
      test.left.kind = Kind::kQuantity;
      test.left.name = quantity();
      const QuantityKind kind = test.left.name.quantity->kind;
      if (kind == QuantityKind::kFact) {
        test.relation = denied ? Relation::kNotFact : Relation::kFact;
        return test;
      }
      if (denied) fail(before, fmt::format("'{}' is nothing that holds or not", test.left.name.text()));
      if (kind == QuantityKind::kWord || !test.left.name.attribute.empty()) {
        if (words(test)) return test;
      }
    }
    at_ = before;
    test.left = sum();
    relate(test);
    return test;
  }

  /// "is A or B" of a quantity that is a word. False: a number follows (an attribute may be either).
  bool words(Test& test) {
    const QuantityName& name = test.left.name;
    if (!accept_word("is")) {
      if (!name.attribute.empty()) return false;
      fail(at_, fmt::format("'is' must follow '{}', which is a word", name.text()));
    }
    test.relation = accept_word("not") ? Relation::kIsNot : Relation::kIs;
    skip_spaces();
    if (!name.attribute.empty() && (at_ == text_.size() || !is_letter(text_[at_]))) return false;
    do {
      skip_spaces();
      const std::size_t at = at_;
      const std::string found = word("a word");
      const std::vector<std::string>& known = name.quantity->words;
      if (!known.empty() && std::ranges::find(known, found) == known.end()) {
        fail(at, fmt::format("'{}' is never '{}'{}", name.text(), found, did_you_mean(found, known)));
      }
      test.words.push_back(found);
    } while (accept_word("or"));
    return true;
  }

  void relate(Test& test) {
    skip_spaces();
    const std::size_t at = at_;
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
        fail(at, fmt::format("no number is in {}..{}", test.bounds[0].literal, test.bounds[1].literal));
      }
      return;
    }
    if (accept_word("is")) return relate_is(test);
    if (accept_word("are")) return relate_are(test, at);
    const std::string next = peek();
    const std::string missing = "'<=', '>=', '<', '>', 'in', 'is' or 'are' must follow";
    fail(at, next.empty()
                 ? missing
                 : fmt::format("{}, not '{}'{}", missing, next, did_you_mean(next, {"in", "is", "are"})));
  }

  void relate_is(Test& test) {
    if (accept_word("odd")) {
      test.relation = Relation::kOdd;
    } else if (accept_word("even")) {
      test.relation = Relation::kEven;
    } else if (accept_word("power")) {
      test.relation = Relation::kPowerOf2;
      if (!accept_word("of") || !accept_word("2")) fail(at_, "'power of 2' is the only power");
    } else {
      test.relation = accept_word("not") ? Relation::kIsNot : Relation::kIs;
      do {
        test.bounds.push_back(sum());
      } while (accept_word("or"));
    }
  }

  void relate_are(Test& test, std::size_t at) {
    if (test.left.kind != Kind::kQuantity || !test.left.name.quantity->is_list()) {
      fail(at, "'are' follows the name of a list");
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
    at_ += std::string_view("shapes").size();
    if (!accept_word("are")) fail(at_, "'are' must follow 'shapes'");
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
    skip_spaces();
    do {
      PatternDim dim;
      if (at_ < text_.size() && text_[at_] >= 'A' && text_[at_] <= 'Z') {
        dim.letter = text_[at_++];
      } else if (at_ < text_.size() && is_digit(text_[at_])) {
        dim.size = integer();
      } else {
        fail(at_, "a shape is capital letters and numbers with 'x' between them");
      }
      dims.push_back(dim);
    } while (at_ < text_.size() && text_[at_] == 'x' && ++at_ <= text_.size());
    return dims;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

ConstraintTree parse_constraint(std::string_view text) { return Parser(text).parse(); }

}  // namespace qprep
