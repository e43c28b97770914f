#include <algorithm>
#include <fmt/format.h>

#include "support/text.h"
#include "target/constraint_tree.h"

namespace qprep {
namespace {

using Kind = Expression::Kind;
using Relation = Test::Relation;

constexpr std::size_t kMostItems = 6;  // of a list that are named one by one

std::string_view sign_of(Kind kind) {
  switch (kind) {
    case Kind::kAdd:
      return "+";
    case Kind::kSubtract:
      return "-";
    case Kind::kMultiply:
      return "*";
    case Kind::kDivide:
      return "/";
    case Kind::kRemainder:
      return "%";
    default:
      return "";
  }
}

/// "kernel sizes", "changed axes".
std::string plural(const QuantityName& name) {
  constexpr std::string_view kEach = "each ";
  const std::string text = name.noun();
  if (!text.starts_with(kEach) || name.slice) return name.text();
  const std::string one = text.substr(kEach.size());
  const std::size_t axis = one.find("axis");
  return axis == std::string::npos ? one + "s" : one.substr(0, axis) + "axes" + one.substr(axis + 4);
}

/// The words of an expression; those of a quantity by `noun`, those of all items of a list by `items`.
template <typename Noun, typename Items>
std::string render(const Expression& expression, const Noun& noun, const Items& items) {
  const auto operand = [&](std::size_t i) { return render(expression.operands[i], noun, items); };
  switch (expression.kind) {
    case Kind::kLiteral:
      return std::to_string(expression.literal);
    case Kind::kQuantity:
      return noun(expression.name);
    case Kind::kNested:
      return fmt::format("({})", operand(0));
    case Kind::kProduct:
      return items(expression.operands[0].name);
    case Kind::kCount:
      return fmt::format("the number of {}", plural(expression.operands[0].name));
    case Kind::kMin:
      return fmt::format("the smaller of {} and {}", operand(0), operand(1));
    case Kind::kMax:
      return fmt::format("the larger of {} and {}", operand(0), operand(1));
    case Kind::kAlign:
      return fmt::format("({} rounded up to a multiple of {})", operand(0), operand(1));
    default:
      return fmt::format("{} {} {}", operand(0), sign_of(expression.kind), operand(1));
  }
}

std::string product_text(const QuantityName& name) {
  return fmt::format("the product of all {}", plural(name));
}

std::string text_of(const Expression& expression) {
  return render(
      expression, [](const QuantityName& name) { return name.noun(); }, product_text);
}

/// In a message: of a list, the item's noun.
std::string text_of(const Expression& expression, const NodeView& node, std::size_t item) {
  const auto noun = [&](const QuantityName& name) {
    const Readings readings = read(name, node);
    const std::size_t i = readings.is_list ? item : 0;
    return i < readings.items.size() ? name.noun(readings.items[i]) : name.noun();
  };
  const auto items = [&](const QuantityName& name) {
    const Readings list = read(name, node);
    if (list.items.empty() || list.items.size() > kMostItems) return product_text(name);
    std::vector<std::string> nouns;
    for (const Reading& each : list.items) nouns.push_back(name.noun(each));
    return join(nouns, " * ");
  };
  return render(expression, noun, items);
}

std::optional<Number> number_of(const Expression& expression, const NodeView& node, std::size_t item) {
  const Values values = evaluate(expression, node);
  const std::size_t i = values.is_list ? item : 0;
  return i < values.items.size() ? values.items[i].number : std::nullopt;
}

bool is_simple(const Expression& expression) {
  return expression.kind == Kind::kLiteral || expression.kind == Kind::kQuantity ||
         expression.kind == Kind::kCount;
}

/// "kernel height 9", "C of input 1 = 9", "C * H * W = 9000".
std::string subject(const std::string& noun, bool is_simple, const std::string& value) {
  const bool is_one_thing = is_simple && noun.find(" of ") == std::string::npos;
  return fmt::format("{}{}{}", noun, is_one_thing ? " " : " = ", value);
}

std::string subject(const Expression& expression, const NodeView& node, std::size_t item) {
  const std::optional<Number> number = number_of(expression, node, item);
  return subject(text_of(expression, node, item), is_simple(expression), number ? number->to_text() : "?");
}

/// "7", "stride width = 1", "720 * 1024 = 737280".
std::string bound_text(const Expression& expression, const NodeView& node, std::size_t item) {
  if (expression.kind == Kind::kLiteral) return std::to_string(expression.literal);
  const std::optional<Number> number = number_of(expression, node, item);
  return fmt::format("{} = {}", text_of(expression, node, item), number ? number->to_text() : "?");
}

std::vector<std::string> choices_of(const Test& test) {
  std::vector<std::string> choices;
  for (const Expression& each : test.bounds) choices.push_back(text_of(each));
  for (const std::string& word : test.words) choices.push_back(word);
  for (const ShapePattern& pattern : test.patterns) choices.push_back(to_text(pattern));
  return choices;
}

/// "a, b or c".
std::string listed(const std::vector<std::string>& choices, std::string_view last) {
  if (choices.empty()) return "";
  if (choices.size() == 1) return choices[0];
  const std::vector<std::string> head(choices.begin(), choices.end() - 1);
  return fmt::format("{} {} {}", join(head, ", "), last, choices.back());
}

/// Whether the item of an in-range test is above the range, not below.
bool is_above(const Test& test, const NodeView& node, std::size_t item) {
  const std::optional<Number> number = number_of(test.left, node, item);
  const auto order = number ? compare(*number, Number(test.bounds[1].literal)) : std::nullopt;
  return order && *order > 0;
}

std::string denied_fact(const Test& test, const NodeView& node) {
  const QuantityName& name = test.left.name;
  const bool wanted = test.relation == Relation::kFact;
  if (!name.quantity->of_tensor) return std::string(wanted ? name.quantity->all : name.quantity->noun);
  const Readings readings = read(name, node);
  std::string clause = name.noun(readings.items.empty() ? Reading{} : readings.items.front());
  if (!wanted) return clause;
  const std::size_t verb = clause.rfind(name.quantity->noun);
  return clause.substr(0, verb) + std::string(name.quantity->all);
}

std::string items_text(const Test& test, const NodeView& node) {
  std::vector<std::string> items;
  for (const ExpressionValue& each : evaluate(test.left, node).items) {
    items.push_back(each.number ? each.number->to_text() : "?");
  }
  return items.empty() ? "none" : listed(items, "and");
}

/// "7 x 7" for a bound on each size of a window of two axes.
std::string sized(const Test& test, const NodeView& node, const std::string& bound) {
  const bool is_window = test.left.kind == Kind::kQuantity && test.left.name.quantity->name == "kernel";
  if (!is_window || bound.find_first_not_of("0123456789") != std::string::npos) return bound;
  const std::size_t axes = std::min(evaluate(test.left, node).items.size(), kMostItems);
  return join(std::vector<std::string>(std::max<std::size_t>(axes, 1), bound), " x ");
}

/// What the left side is to become: "7 x 7 or smaller"; of a mere number, "7 or less".
std::string wanted_text(const Test& test, const NodeView& node, std::size_t item, bool is_number) {
  const std::string down = is_number ? " or less" : " or smaller";
  const std::string up = is_number ? " or more" : " or larger";
  const auto bound = [&](std::size_t i) { return sized(test, node, bound_text(test.bounds[i], node, item)); };
  switch (test.relation) {
    case Relation::kAtMost:
      return bound(0) + down;
    case Relation::kAtLeast:
      return bound(0) + up;
    case Relation::kBelow:
      return "less than " + bound(0);
    case Relation::kAbove:
      return "more than " + bound(0);
    case Relation::kInRange:
      return is_above(test, node, item) ? bound(1) + down : bound(0) + up;
    case Relation::kIs: {
      if (!test.words.empty()) return listed(test.words, "or");
      std::vector<std::string> numbers;
      for (const Expression& each : test.bounds) {
        const std::optional<Number> number = number_of(each, node, item);
        numbers.push_back(number ? number->to_text() : text_of(each));
      }
      return listed(numbers, "or");
    }
    case Relation::kIsNot:
      return "other than " + listed(choices_of(test), "or");
    case Relation::kOdd:
      return "an odd number";
    case Relation::kEven:
      return "an even number";
    case Relation::kPowerOf2:
      return "a power of 2";
    case Relation::kSet:
      return listed(choices_of(test), "and");
    default:
      return "";
  }
}

/// "H % dilation is 0".
bool asks_for_multiple(const Test& test) {
  return test.relation == Relation::kIs && test.left.kind == Kind::kRemainder && test.bounds.size() == 1 &&
         test.bounds[0].kind == Kind::kLiteral && test.bounds[0].literal == 0;
}

std::string value_text(const Expression& expression, const NodeView& node, std::size_t item) {
  const std::optional<Number> number = number_of(expression, node, item);
  return number ? number->to_text() : "?";
}

/// "H = 5 is no multiple of dilation height 2".
std::string no_multiple(const Test& test, const NodeView& node, std::size_t item) {
  const Expression& left = test.left.operands[0];
  const Expression& right = test.left.operands[1];
  const std::string step = value_text(right, node, item);
  return fmt::format(
      "{} = {} is no multiple of {}", text_of(left, node, item), value_text(left, node, item),
      right.kind == Kind::kLiteral ? step : subject(text_of(right, node, item), is_simple(right), step));
}

}  // namespace

bool asks_for_no_constant(const Test& test) {
  return test.relation == Relation::kIs && test.left.kind == Kind::kQuantity &&
         test.left.name.quantity->name == "constant_inputs" && test.bounds.size() == 1 &&
         test.bounds[0].kind == Kind::kLiteral && test.bounds[0].literal == 0;
}

std::string rule_of(const Test& test) {
  if (asks_for_no_constant(test)) return "it reads no constant";
  if (asks_for_multiple(test)) {
    return fmt::format("{} is a multiple of {}", text_of(test.left.operands[0]),
                       text_of(test.left.operands[1]));
  }
  const auto left = [&] { return text_of(test.left); };
  const auto bound = [&](std::size_t i) { return text_of(test.bounds[i]); };
  switch (test.relation) {
    case Relation::kFact:
      return test.left.name.noun();
    case Relation::kNotFact: {
      const QuantityName& name = test.left.name;
      if (!name.quantity->of_tensor) return std::string(name.quantity->all);
      const std::string clause = name.noun();
      return clause.substr(0, clause.rfind(name.quantity->noun)) + std::string(name.quantity->all);
    }
    case Relation::kAtMost:
      return fmt::format("{} is at most {}", left(), bound(0));
    case Relation::kAtLeast:
      return fmt::format("{} is at least {}", left(), bound(0));
    case Relation::kBelow:
      return fmt::format("{} is less than {}", left(), bound(0));
    case Relation::kAbove:
      return fmt::format("{} is more than {}", left(), bound(0));
    case Relation::kInRange:
      return fmt::format("{} is {} to {}", left(), bound(0), bound(1));
    case Relation::kIs:
      return fmt::format("{} is {}", left(), listed(choices_of(test), "or"));
    case Relation::kIsNot:
      return fmt::format("{} is not {}", left(), listed(choices_of(test), "or"));
    case Relation::kOdd:
      return left() + " is odd";
    case Relation::kEven:
      return left() + " is even";
    case Relation::kPowerOf2:
      return left() + " is a power of 2";
    case Relation::kEqual:
      return fmt::format("{} is the same", left());
    case Relation::kSet:
      return fmt::format("the {} are {}", test.left.name.text(), listed(choices_of(test), "and"));
    case Relation::kShapes:
      return fmt::format("the shapes are {}", listed(choices_of(test), "or"));
  }
  return "";
}

std::string fault_of(const Test& test, const NodeView& node, std::size_t item, std::string_view who) {
  if (asks_for_no_constant(test)) return fmt::format("it reads a constant, and {} takes none", who);
  if (asks_for_multiple(test)) return fmt::format("{}, as {} needs it", no_multiple(test, node, item), who);
  const auto left = [&] { return subject(test.left, node, item); };
  const auto bound = [&](std::size_t i) { return bound_text(test.bounds[i], node, item); };
  const std::vector<std::string> choices = choices_of(test);
  const std::string all = fmt::format("{} that {} takes", choices.size() > 1 ? "all" : "the only one", who);
  switch (test.relation) {
    case Relation::kFact:
    case Relation::kNotFact:
      return fmt::format("{}, which {} does not take", denied_fact(test, node), who);
    case Relation::kAtMost:
      return fmt::format("{} is above {}, the largest that {} takes", left(), bound(0), who);
    case Relation::kAtLeast:
      return fmt::format("{} is below {}, the smallest that {} takes", left(), bound(0), who);
    case Relation::kBelow:
      return fmt::format("{} is not below {}, as {} needs it", left(), bound(0), who);
    case Relation::kAbove:
      return fmt::format("{} is not above {}, as {} needs it", left(), bound(0), who);
    case Relation::kInRange: {
      const bool above = is_above(test, node, item);
      return fmt::format("{} is {} {}, the {} that {} takes", left(), above ? "above" : "below",
                         bound(above ? 1 : 0), above ? "largest" : "smallest", who);
    }
    case Relation::kIs: {
      if (!test.words.empty()) {
        const Readings readings = read(test.left.name, node);
        const Reading& each = readings.items[item];
        const std::string* word = std::get_if<std::string>(&each.value);
        const std::string found = subject(test.left.name.noun(each), true, word ? printable(*word) : "?");
        return fmt::format("{} is not {}, {}", found, listed(choices, "or"), all);
      }
      std::vector<std::string> bounds;
      for (std::size_t i = 0; i < test.bounds.size(); ++i) bounds.push_back(bound(i));
      return fmt::format("{} is not {}, {}", left(), listed(bounds, "or"), all);
    }
    case Relation::kIsNot:
      if (!test.words.empty()) {
        return fmt::format("{} is {}, which {} does not take", test.left.name.noun(), listed(choices, "or"),
                           who);
      }
      return fmt::format("{} is one that {} does not take", left(), who);
    case Relation::kOdd:
    case Relation::kEven:
      return fmt::format("{} is not {}, as {} needs it", left(),
                         test.relation == Relation::kOdd ? "odd" : "even", who);
    case Relation::kPowerOf2:
      return fmt::format("{} is not a power of 2, as {} needs it", left(), who);
    case Relation::kEqual:
      return fmt::format("{} differ, and {} takes equal {}", items_text(test, node), who,
                         test.left.name.text());
    case Relation::kSet:
      return fmt::format("{} {} are not {}, {}", test.left.name.text(), items_text(test, node),
                         listed(choices, "and"), fmt::format("all that {} takes", who));
    case Relation::kShapes:
      return fmt::format("shapes {} are not {}, {}", shapes_text(node), listed(choices, "or"), all);
  }
  return "";
}

namespace {

/// "input 1" of "input1.constant".
std::string input_of(std::string text) {
  text.resize(std::min(text.find('.'), text.size()));
  if (text.starts_with("input") && text.size() > 5 && text[5] != 's') text.insert(5, " ");
  return text;
}

}  // namespace

std::string remedy_of(const Test& test, const NodeView& node, std::size_t item) {
  if (asks_for_no_constant(test)) return "";  // what stands around the node decides that
  if (asks_for_multiple(test)) {
    return fmt::format("bring {} to a multiple of {}", text_of(test.left.operands[0], node, item),
                       value_text(test.left.operands[1], node, item));
  }
  switch (test.relation) {
    case Relation::kFact:
    case Relation::kNotFact:
      if (test.left.name.quantity->name != "constant") return "";
      return fmt::format("make {} {}", input_of(test.left.name.text()),
                         test.relation == Relation::kFact ? "a constant" : "a computed tensor");
    case Relation::kShapes:
      return "use shapes " + listed(choices_of(test), "or");
    case Relation::kEqual:
      return fmt::format("make its {} equal", test.left.name.text());
    case Relation::kSet: {
      const std::size_t count = evaluate(test.left, node).items.size();
      if (count == choices_of(test).size()) break;
      // No transposition makes two axes of one; a Reshape does.
      if (test.left.name.quantity->name != "axes" || count == 0) return "";
      return "transpose and reshape its data so that the axes are " + listed(choices_of(test), "and");
    }
    default:
      break;
  }
  const bool has_words = test.left.kind == Kind::kQuantity && !test.left.name.quantity->remedy.empty();
  const std::string wanted = wanted_text(test, node, item, !has_words);
  if (has_words) return fmt::format("{} {}", test.left.name.quantity->remedy, wanted);
  return fmt::format("bring {} to {}", text_of(test.left, node, item), wanted);
}

}  // namespace qprep
