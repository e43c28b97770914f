#include "target/constraint.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "target/constraint_tree.h"
#include "target/open_limit.h"

namespace qprep {
namespace {

using Kind = Expression::Kind;
using Relation = Test::Relation;

constexpr const char* kNoNumber = "a number that can be computed";

Values one(std::optional<Number> number, const std::string& missing) {
  return {false, {{number, number ? std::string() : missing}}, {}};
}

std::optional<Number> apply(Kind kind, const Number& a, const Number& b) {
  switch (kind) {
    case Kind::kAdd:
      return add(a, b);
    case Kind::kSubtract:
      return subtract(a, b);
    case Kind::kMultiply:
      return multiply(a, b);
    case Kind::kDivide:
      return divide(a, b);
    case Kind::kRemainder:
      return remainder(a, b);
    case Kind::kAlign:
      return align(a, b);
    default:
      break;
  }
  const auto order = compare(a, b);
  if (!order) return std::nullopt;
  return (*order < 0) == (kind == Kind::kMin) ? a : b;
}

/// Item by item; one number goes with each item of a list.
Values apply(Kind kind, const Values& a, const Values& b) {
  Values result;
  result.is_list = a.is_list || b.is_list;
  for (const Values* each : {&a, &b}) {
    if (!each->missing.empty()) {
      result.missing = each->missing;
      return result;
    }
  }
  if (a.is_list && b.is_list && a.items.size() != b.items.size()) {
    result.missing = "two lists of one length";
    return result;
  }
  const std::size_t count = a.is_list ? a.items.size() : b.items.size();
  for (std::size_t i = 0; i < count; ++i) {
    const ExpressionValue& left = a.items[a.is_list ? i : 0];
    const ExpressionValue& right = b.items[b.is_list ? i : 0];
    ExpressionValue value;
    if (left.number && right.number) {
      value.number = apply(kind, *left.number, *right.number);
      if (!value.number) value.missing = kNoNumber;
    } else {
      value.missing = left.number ? right.missing : left.missing;
    }
    result.items.push_back(std::move(value));
  }
  return result;
}

Values product_of(const Values& list) {
  if (!list.missing.empty()) return one(std::nullopt, list.missing);
  std::optional<Number> product = Number(1);
  for (const ExpressionValue& each : list.items) {
    if (!each.number) return one(std::nullopt, each.missing);
    product = multiply(*product, *each.number);
    if (!product) return one(std::nullopt, kNoNumber);
  }
  return one(product, "");
}

Values values_of(const Readings& readings) {
  Values values{readings.is_list, {}, readings.missing};
  for (const Reading& each : readings.items) {
    const Number* number = std::get_if<Number>(&each.value);
    values.items.push_back({number ? std::optional(*number) : std::nullopt, number ? "" : each.missing});
    if (!number && each.known()) values.items.back().missing = "a number";
  }
  return values;
}

/// Whether the number is related to the bounds' item `i` as the test says; nullopt: undecided.
std::optional<bool> related(Relation relation, const Number& number, const std::vector<Values>& bounds,
                            std::size_t i, std::string& missing) {
  switch (relation) {
    case Relation::kOdd:
    case Relation::kEven: {
      const auto rest = remainder(number, 2);
      return rest && ((rest->sign() != 0) == (relation == Relation::kOdd));
    }
    case Relation::kPowerOf2: {
      const std::int64_t n = number.is_whole() ? number.numerator() : 0;
      return n > 0 && (n & (n - 1)) == 0;
    }
    default:
      break;
  }
  bool is_one = false;
  for (std::size_t k = 0; k < bounds.size(); ++k) {
    if (!bounds[k].missing.empty() || (bounds[k].is_list && i >= bounds[k].items.size())) {
      missing = bounds[k].missing.empty() ? "two lists of one length" : bounds[k].missing;
      return std::nullopt;
    }
    const ExpressionValue& bound = bounds[k].items[bounds[k].is_list ? i : 0];
    const auto order = bound.number ? compare(number, *bound.number) : std::nullopt;
    if (!order) {
      missing = bound.number ? kNoNumber : bound.missing;
      return std::nullopt;
    }
    switch (relation) {
      case Relation::kAtMost:
        return *order <= 0;
      case Relation::kAtLeast:
        return *order >= 0;
      case Relation::kBelow:
        return *order < 0;
      case Relation::kAbove:
        return *order > 0;
      case Relation::kInRange:
        if (k == 0 ? *order < 0 : *order > 0) return false;
        break;
      default:
        is_one = is_one || *order == 0;
    }
  }
  if (relation == Relation::kInRange) return true;
  return is_one == (relation == Relation::kIs);
}

/// The worse of what was found so far and an item's verdict: broken before undecided before holds.
void note(Tested& tested, std::optional<bool> holds, std::size_t item, const std::string& missing) {
  if (tested.verdict == Verdict::kBroken || (holds && *holds)) return;
  if (holds) {
    tested = {Verdict::kBroken, item, {}};
  } else if (tested.verdict == Verdict::kHolds) {
    tested = {Verdict::kUndecided, item, missing};
  }
}

Tested test_readings(const Test& test, const NodeView& node) {
  const Readings readings = read(test.left.name, node);
  Tested tested;
  if (!readings.missing.empty()) return {Verdict::kUndecided, 0, readings.missing};
  for (std::size_t i = 0; i < readings.items.size(); ++i) {
    const Reading& each = readings.items[i];
    std::optional<bool> holds;
    std::string missing = each.missing;
    if (const bool* fact = std::get_if<bool>(&each.value)) {
      holds = *fact == (test.relation == Relation::kFact);
    } else if (const std::string* word = std::get_if<std::string>(&each.value)) {
      const bool found = std::ranges::find(test.words, *word) != test.words.end();
      holds = found == (test.relation == Relation::kIs);
    } else if (each.known()) {
      holds = test.relation == Relation::kIsNot;
    }
    note(tested, holds, i, missing);
  }
  return tested;
}

Tested test_list(const Test& test, const Values& list) {
  std::vector<Number> numbers;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    if (!list.items[i].number) return {Verdict::kUndecided, i, list.items[i].missing};
    numbers.push_back(*list.items[i].number);
  }
  const auto same = [](const Number& a, const Number& b) {
    const auto order = compare(a, b);
    return order && *order == 0;
  };
  if (test.relation == Relation::kEqual) {
    for (std::size_t i = 1; i < numbers.size(); ++i) {
      if (!same(numbers[0], numbers[i])) return {Verdict::kBroken, i, {}};
    }
    return {};
  }
  std::vector<Number> wanted;
  for (const Expression& each : test.bounds) wanted.emplace_back(each.literal);
  const bool equal = numbers.size() == wanted.size() && std::ranges::is_permutation(numbers, wanted, same);
  return equal ? Tested{} : Tested{Verdict::kBroken, 0, {}};
}

Tested all_of(const std::vector<Test>& tests, const NodeView& node) {
  Tested worst;
  for (const Test& test : tests) {
    Tested tested = evaluate(test, node);
    if (tested.verdict == Verdict::kBroken) return tested;
    if (tested.verdict == Verdict::kUndecided && worst.verdict == Verdict::kHolds) worst = std::move(tested);
  }
  return worst;
}

std::string condition_text(const ConstraintTree& tree) {
  std::string text;
  for (const auto& [word, tests] : {std::pair(" when ", &tree.when), {" unless ", &tree.unless}}) {
    for (const Test& each : *tests) text += (&each == tests->data() ? word : " and ") + rule_of(each);
  }
  return text;
}

/// Whether the claim is asked of the node: kHolds = yes, kBroken = no.
Tested applies(const ConstraintTree& tree, const NodeView& node) {
  Tested when = all_of(tree.when, node);
  if (tree.unless.empty() || when.verdict == Verdict::kBroken) return when;
  Tested exception = all_of(tree.unless, node);
  if (exception.verdict == Verdict::kHolds) return {Verdict::kBroken, 0, {}};
  return exception.verdict == Verdict::kUndecided ? exception : when;
}

}  // namespace

std::string_view to_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHolds:
      return "holds";
    case Verdict::kBroken:
      return "broken";
    case Verdict::kUndecided:
      return "undecided";
  }
  return "";
}

Values evaluate(const Expression& expression, const NodeView& node) {
  switch (expression.kind) {
    case Kind::kLiteral:
      return one(Number(expression.literal), "");
    case Kind::kQuantity:
      return values_of(read(expression.name, node));
    case Kind::kNested:
      return evaluate(expression.operands[0], node);
    case Kind::kProduct:
      return product_of(evaluate(expression.operands[0], node));
    case Kind::kCount: {
      const Values list = evaluate(expression.operands[0], node);
      if (!list.missing.empty()) return one(std::nullopt, list.missing);
      return one(Number(static_cast<std::int64_t>(list.items.size())), "");
    }
    default:
      return apply(expression.kind, evaluate(expression.operands[0], node),
                   evaluate(expression.operands[1], node));
  }
}

Tested evaluate(const Test& test, const NodeView& node) {
  if (test.relation == Relation::kShapes) return fit(test.patterns, node);
  if (test.relation == Relation::kFact || test.relation == Relation::kNotFact || !test.words.empty()) {
    return test_readings(test, node);
  }
  const Values left = evaluate(test.left, node);
  if (!left.missing.empty()) return {Verdict::kUndecided, 0, left.missing};
  if (test.relation == Relation::kEqual || test.relation == Relation::kSet) return test_list(test, left);
  std::vector<Values> bounds;
  for (const Expression& each : test.bounds) bounds.push_back(evaluate(each, node));
  // One number is held against each item of a list.
  std::size_t count = left.items.size();
  if (!left.is_list) {
    for (const Values& each : bounds) {
      if (each.is_list) count = each.items.size();
    }
  }
  Tested tested;
  for (std::size_t i = 0; i < count; ++i) {
    const ExpressionValue& item = left.items[left.is_list ? i : 0];
    std::string missing = item.missing;
    const std::optional<bool> holds =
        item.number ? related(test.relation, *item.number, bounds, i, missing) : std::nullopt;
    note(tested, holds, i, missing);
  }
  return tested;
}

Constraint Constraint::parse(std::string_view text) {
  Constraint constraint;
  constraint.tree_ = std::make_shared<const ConstraintTree>(parse_constraint(text));
  constraint.text_ = text;
  return constraint;
}

std::string Constraint::rule() const { return rule_of(tree_->claim) + condition_text(*tree_); }

Outcome Constraint::check(const NodeView& node, std::string_view who) const {
  const Tested condition = applies(*tree_, node);
  if (condition.verdict == Verdict::kBroken) return {};
  const Tested claim = evaluate(tree_->claim, node);
  if (claim.verdict == Verdict::kHolds) return {};
  Outcome outcome;
  if (condition.verdict == Verdict::kUndecided || claim.verdict == Verdict::kUndecided) {
    const std::string& missing = claim.verdict == Verdict::kUndecided ? claim.missing : condition.missing;
    outcome.verdict = Verdict::kUndecided;
    outcome.sentence = to_text(OpenLimit{missing, std::string(who), rule()});
    return outcome;
  }
  outcome.verdict = Verdict::kBroken;
  outcome.sentence = fault_of(tree_->claim, node, claim.item, who) + condition_text(*tree_);
  outcome.remedy = remedy_of(tree_->claim, node, claim.item);
  outcome.by_constant = asks_for_no_constant(tree_->claim);
  return outcome;
}

bool Constraint::asks_for_model_output() const {
  const Test& claim = tree_->claim;
  return claim.relation == Relation::kFact && claim.left.name.quantity->name == "model_output";
}

}  // namespace qprep
