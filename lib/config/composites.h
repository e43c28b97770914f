#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

/// configs/composites.yaml: operators that exporters write out as several nodes, each with its spellings as
/// patterns of text.
///
///     { m = Mean(x)  d = Sub(x, m)  s = Square(d)  v = Mean(s)  e = Add(v, scalar eps)  y = Normalised(d, e)
///     }
///
/// The file explains the language. Reading replaces each phrase by what it may stand for, so that a pattern
/// here is complete: nodes of ONNX's own domain.
namespace qprep {

/// Which axes a reduction runs over.
enum class ReducedAxes {
  kUnasked,
  kSome,      // any, but known ones
  kTrailing,  // the last one, or several up to it
  kOne,       // any single one
  kInner,     // two or more beside each other, neither the first nor the last axis
};

/// An operator that a word of a pattern stands for, and what it asks of the node.
struct CompositeOp {
  /// A number that an attribute holds; `otherwise` where it is absent.
  struct Number {
    std::string attribute;
    double is = 0;
    std::optional<double> otherwise = {};
  };

  std::string op;
  std::optional<double> min = {}, max = {};  // Clip's bounds
  ReducedAxes axes = ReducedAxes::kUnasked;  // those of all nodes that it asks for are the same
  bool keeps_axes = true;                    // asked along with `axes`
  std::vector<Number> numbers = {};
};

struct CompositeOperand {
  enum class Kind {
    kData,      // enters from outside, no constant
    kConstant,  // a constant
    kScalar,    // a constant of one element
    kNumber,    // a constant that is `number` everywhere
    kResult,    // of statement `step`
  };

  Kind kind = Kind::kData;
  std::size_t name = 0;  // kData, kConstant, kScalar: equal ones are the same value
  double number = 0;
  std::size_t step = 0;
};

/// One statement: a node.
struct CompositeStep {
  std::vector<CompositeOp> any_of;
  bool commutative = false;  // two operands, in either order
  std::vector<CompositeOperand> operands;
};

struct CompositePattern {
  std::string name = {};  // "LayerNormalization"
  bool bounded = false;   // the result is small whatever enters
  /// Every result but the last is read by a later statement.
  std::vector<CompositeStep> steps = {};
  std::size_t names = 0;  // how many CompositeOperand::name there are
};

struct Composites {
  std::vector<CompositePattern> patterns;  // in the file's order
};

/// Throws Fatal with every mistake of the file.
Composites read_composites(const std::string& file);

}  // namespace qprep
