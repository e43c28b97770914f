#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What the patterns of configs/composites.yaml mean, as an operator of ONNX:
///
///     LayerNormalization(x, reduced w = 1, reduced b = 0)[int axis = axis, epsilon = eps]
///
/// The file explains the language.
namespace qprep {

struct CompositeOperand {
  enum class Kind {
    kData,      // enters from outside, no constant
    kConstant,  // a constant
    kScalar,    // a constant of one element
    kReduced,   // a constant that varies along axes of the reductions only, if at all: of a layer norm
    kChannel,   // a constant that varies along one axis at most, neither the first nor a reduced one
    kAny,       // whatever; no data of the composite
    kNumber,    // a constant that is `number` everywhere
    kResult,    // of statement `step`
  };

  Kind kind = Kind::kData;
  std::size_t name = 0;  // but for kNumber, kResult and kAny: equal ones are the same value
  double number = 0;
  std::size_t step = 0;
};

/// A number that follows from what a pattern matched: an expression in postfix order.
struct CompositeNumber {
  enum class Kind {
    kNumber,     // `number`
    kConstant,   // the element of the constant `name`; 0 where the statement that reads it is missing
    kAttribute,  // of the node that made `name`; `number` where it is absent, if `number` is no NaN
    kDim,        // size `index` of the result or data `name`, or what the model calls it
    kShape,      // all sizes of `name`
    kRank,       // of `name`
    kFirstAxis,  // of those that the reductions run over, -1 for the last of all
    kLastAxis,   // of those, if none is between them that they do not run over
    kCount,      // how many elements they run over
    kSqrt,
    kNegative,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide
  };
  struct Step {
    Kind kind = Kind::kNumber;
    double number = 0;
    std::string name = {};
    std::string attribute = {};
    std::int64_t index = 0;
  };

  std::string text;  // as it is written
  std::vector<Step> steps;
};

/// "slope <= 1".
struct CompositeCondition {
  enum class Kind { kEqual, kAtMost, kAtLeast };

  std::string text;
  Kind kind = Kind::kEqual;
  CompositeNumber left, right;
};

struct CompositeMeaning {
  struct Input {
    /// kData; kNumber; kScalar: one element; kReduced: one for each that the reductions run over; kChannel:
    /// one for each of axis 1; kConstant: as it is.
    CompositeOperand::Kind kind = CompositeOperand::Kind::kData;
    std::string name = {};
    double number = 0;
    std::optional<double> otherwise = {};  // where the statement that reads it is missing
    bool negative = false;                 // it is taken with the other sign
  };
  struct Attribute {
    std::string name;
    std::string text = {};  // a text, if not empty
    bool is_integer = false;
    CompositeNumber number = {};
  };

  std::string op;
  std::int64_t since = 1;  // the operator set that has it
  std::vector<Input> inputs;
  std::vector<Attribute> attributes;
  std::vector<CompositeCondition> given;  // all must hold
};

/// Reads a meaning, without `since` and `given`. Throws std::invalid_argument with a sentence.
CompositeMeaning parse_meaning(std::string_view text);

/// Reads "n == count", "slope <= 1", "shape(u) == shape(x)". Throws likewise.
CompositeCondition parse_condition(std::string_view text);

}  // namespace qprep
