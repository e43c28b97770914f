#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/composite_meaning.h"
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

/// One statement: a node.
struct CompositeStep {
  std::vector<CompositeOp> any_of;
  bool commutative = false;  // two operands, in either order
  std::vector<CompositeOperand> operands;
};

struct CompositePattern {
  std::string name = {};  // "LayerNormalization"
  bool bounded = false;   // the result is small whatever enters
  std::vector<std::string> replaceable =
      {};  // replacements that may be made of its nodes: it stays recognised
  /// Every result but the last is read by a later statement.
  std::vector<CompositeStep> steps = {};
  /// Of a block: what may stand anywhere between, any number of times; their operands are not written.
  std::vector<CompositeStep> through = {};
  std::size_t names = 0;  // how many CompositeOperand::name there are
  /// What the names of its statements and constants stand for; "v.eps": a constant of the phrase that makes
  /// v.
  std::vector<std::pair<std::string, CompositeOperand>> scope = {};
  std::shared_ptr<const CompositeMeaning> meaning = {};  // null: no operator of ONNX does that
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
