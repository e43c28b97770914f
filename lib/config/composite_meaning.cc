#include "config/composite_meaning.h"

#include <array>
#include <fmt/format.h>
#include <limits>
#include <stdexcept>
#include <utility>

#include "config/pattern_text.h"

namespace qprep {
namespace {

using Kind = CompositeNumber::Kind;
using Step = CompositeNumber::Step;

/// Sums of products of what CompositeNumber::Kind lists.
class NumberParser {
 public:
  explicit NumberParser(PatternText& text) : text_(text) {}

  CompositeNumber parse() {
    const std::string_view before = text_.rest();
    sum();
    std::string written(before.substr(0, before.size() - text_.rest().size()));
    while (written.starts_with(' ')) written.erase(0, 1);
    while (written.ends_with(' ')) written.pop_back();
    return {std::move(written), std::move(steps_)};
  }

 private:
  void sum() {
    product();
    for (;;) {
      const bool adds = text_.accept("+");
      if (!adds && !text_.accept("-")) return;
      product();
      steps_.push_back({adds ? Kind::kAdd : Kind::kSubtract});
    }
  }

  void product() {
    factor();
    for (;;) {
      const bool multiplies = text_.accept("*");
      if (!multiplies && !text_.accept("/")) return;
      factor();
      steps_.push_back({multiplies ? Kind::kMultiply : Kind::kDivide});
    }
  }

  void factor() {
    if (const auto number = text_.number()) {
      steps_.push_back({Kind::kNumber, *number});
    } else if (text_.accept("-")) {
      factor();
      steps_.push_back({Kind::kNegative});
    } else if (text_.accept("(")) {
      sum();
      text_.expect(")");
    } else {
      named(text_.name("a number or a name"));
    }
  }

  void named(std::string name) {
    if (name == "axis") return steps_.push_back({Kind::kFirstAxis});
    if (name == "last") return steps_.push_back({Kind::kLastAxis});
    if (name == "count") return steps_.push_back({Kind::kCount});
    if (text_.accept("(")) return of(name);
    if (text_.accept("[")) {
      const auto index = text_.number();
      if (!index) throw std::invalid_argument(fmt::format("'{}[' needs the number of an axis", name));
      text_.expect("]");
      return steps_.push_back({Kind::kDim, 0, std::move(name), "", static_cast<std::int64_t>(*index)});
    }
    while (text_.accept(".")) name += "." + text_.name("a name");
    steps_.push_back({Kind::kConstant, 0, std::move(name)});
  }

  void of(const std::string& function) {
    if (function == "sqrt") {
      sum();
      steps_.push_back({Kind::kSqrt});
    } else if (function == "attribute") {
      Step step{Kind::kAttribute, std::numeric_limits<double>::quiet_NaN(), text_.name("a result")};
      text_.expect(",");
      step.attribute = text_.name("an attribute");
      if (text_.accept(",")) step.number = text_.number().value_or(step.number);
      steps_.push_back(std::move(step));
    } else if (function == "shape" || function == "rank") {
      steps_.push_back({function == "shape" ? Kind::kShape : Kind::kRank, 0, text_.name("a name")});
    } else {
      throw std::invalid_argument(fmt::format("'{}' is not one of sqrt, attribute, shape, rank", function));
    }
    text_.expect(")");
  }

  PatternText& text_;
  std::vector<Step> steps_;
};

CompositeMeaning::Input parse_input(PatternText& text) {
  using Operand = CompositeOperand::Kind;
  CompositeMeaning::Input input;
  if (const auto number = text.number()) {
    input.kind = Operand::kNumber;
    input.number = *number;
    return input;
  }
  input.negative = text.accept("-");
  input.name = text.name("an operand");
  for (const auto& [word, kind] : {std::pair{"const", Operand::kConstant},
                                   {"scalar", Operand::kScalar},
                                   {"reduced", Operand::kReduced},
                                   {"channel", Operand::kChannel}}) {
    if (input.name != word) continue;
    input.kind = kind;
    input.name = text.name("an operand");
    break;
  }
  if (text.accept("=")) input.otherwise = text.number();
  return input;
}

CompositeMeaning::Attribute parse_meant_attribute(PatternText& text) {
  CompositeMeaning::Attribute attribute;
  attribute.name = text.name("an attribute");
  if (attribute.name == "int") {
    attribute.is_integer = true;
    attribute.name = text.name("an attribute");
  }
  text.expect("=");
  if (text.accept("'")) {
    attribute.text = text.name("a word");
    text.expect("'");
  } else {
    attribute.number = NumberParser(text).parse();
  }
  return attribute;
}

}  // namespace

CompositeMeaning parse_meaning(std::string_view written) {
  PatternText text(written);
  CompositeMeaning meaning;
  meaning.op = text.name("an operator");
  text.expect("(");
  do {
    meaning.inputs.push_back(parse_input(text));
  } while (text.accept(","));
  text.expect(")");
  if (text.accept("[")) {
    do {
      meaning.attributes.push_back(parse_meant_attribute(text));
    } while (text.accept(","));
    text.expect("]");
  }
  if (!text.at_end()) {
    throw std::invalid_argument(fmt::format("nothing may follow the operator, but '{}' does", text.rest()));
  }
  return meaning;
}

CompositeCondition parse_condition(std::string_view written) {
  PatternText text(written);
  CompositeCondition condition;
  condition.text = written;
  condition.left = NumberParser(text).parse();
  if (text.accept("==")) {
    condition.kind = CompositeCondition::Kind::kEqual;
  } else if (text.accept("<=")) {
    condition.kind = CompositeCondition::Kind::kAtMost;
  } else {
    text.expect(">=");
    condition.kind = CompositeCondition::Kind::kAtLeast;
  }
  condition.right = NumberParser(text).parse();
  if (!text.at_end()) {
    throw std::invalid_argument(fmt::format("nothing may follow the condition, but '{}' does", text.rest()));
  }
  return condition;
}

}  // namespace qprep
