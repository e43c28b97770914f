#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "config/rearrangement.h"

/// configs/composites.yaml: operators that exporters write out as several nodes, each with its spellings as
/// patterns of text.
///
///     { m = Mean(x)  d = Sub(x, m)  s = Square(d)  v = Mean(s)  e = Add(v, scalar eps)  y = OverRoot(d, e) }
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
  kSpatial,   // all from the third on
  kPlane,     // all from the third on, two or more
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
  std::optional<bool> keeps_axes = true;     // asked along with `axes`; nullopt: whichever
  std::vector<Number> numbers = {};
};

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
  /// Of a block: what may stand anywhere between, any number of times; their operands are not written.
  std::vector<CompositeStep> through = {};
  std::size_t names = 0;  // how many CompositeOperand::name there are
};

struct Composites {
  std::vector<CompositePattern> patterns;  // in the file's order
  /// What is named only: its nodes keep units of their own, and may be read elsewhere.
  std::vector<CompositePattern> blocks;
  std::vector<Rearrangement> rearrangements;
};

/// Throws Fatal with every mistake of the file.
Composites read_composites(const std::string& file);

}  // namespace qprep
