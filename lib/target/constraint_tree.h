#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "target/constraint.h"
#include "target/number.h"
#include "target/quantity.h"

/// A constraint as it was parsed, what it evaluates to, and its words.
namespace qprep {

struct Expression {
  enum class Kind {
    kLiteral,
    kQuantity,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kRemainder,
    kNested,   // in brackets
    kProduct,  // of all items of a list
    kCount,    // of the items of a list
    kMin,
    kMax,
    kAlign,  // up to a multiple
  };

  Kind kind = Kind::kLiteral;
  std::int64_t literal = 0;
  QuantityName name;
  std::vector<Expression> operands;
};

/// A dimension of a pattern of shapes: a letter stands for any size, the same one wherever it stands.
struct PatternDim {
  char letter = 0;
  std::int64_t size = 0;  // without a letter
};
/// One shape for each input that carries data.
using ShapePattern = std::vector<std::vector<PatternDim>>;

struct Test {
  enum class Relation {
    kFact,
    kNotFact,
    kAtMost,
    kAtLeast,
    kBelow,
    kAbove,
    kInRange,  // bounds[0]..bounds[1]
    kIs,       // one of bounds, or of words
    kIsNot,    // none of them
    kOdd,
    kEven,
    kPowerOf2,
    kEqual,  // all items of a list
    kSet,    // the items of a list are these, in whatever order
    kShapes,
  };

  Expression left;
  Relation relation = Relation::kFact;
  std::vector<Expression> bounds;
  std::vector<std::string> words;
  std::vector<ShapePattern> patterns;
};

struct ConstraintTree {
  Test claim;
  std::vector<Test> when;    // it is asked where all of them hold,
  std::vector<Test> unless;  // but not where all of these do; none: no exception
};

/// Throws ConstraintMistake.
ConstraintTree parse_constraint(std::string_view text);

/// One number, or why there is none.
struct ExpressionValue {
  std::optional<Number> number;
  std::string missing;
};

/// The numbers of an expression: one, or those of a list.
struct Values {
  bool is_list = false;
  std::vector<ExpressionValue> items;
  std::string missing;  // of a list: why its length is unknown
};

Values evaluate(const Expression& expression, const NodeView& node);

/// How a test came out, and for which item of the list.
struct Tested {
  Verdict verdict = Verdict::kHolds;
  std::size_t item = 0;
  std::string missing;  // undecided: what is unknown
};

Tested evaluate(const Test& test, const NodeView& node);

/// How the shapes of the data fit one of the patterns.
Tested fit(const std::vector<ShapePattern>& patterns, const NodeView& node);
/// "NxCxHxW with NxCx1x1".
std::string to_text(const ShapePattern& pattern);
/// The shapes of the data in the same form; "?" for an unknown size.
std::string shapes_text(const NodeView& node);

/// "constant_inputs is 0".
bool asks_for_no_constant(const Test& test);

/// "each kernel size is 1 to 7".
std::string rule_of(const Test& test);
/// What is wrong with the item: "kernel height 9 is above 7, the largest". Given: the test is broken there.
std::string fault_of(const Test& test, const NodeView& node, std::size_t item, std::string_view who);
/// What makes it right; empty: nothing is known.
std::string remedy_of(const Test& test, const NodeView& node, std::size_t item);

}  // namespace qprep
