#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"

/// configs/fusion.yaml: the sequences of nodes that a target runs as one kernel, as patterns of text.
///
///     { c = ConvLike(x, w, b)  a = Add(c, r)  y = Act(a) }
///
/// One statement a node. A name that an earlier statement defines is its result; any other is an operand from
/// outside: `x` anything, `const w` a constant, `bias b` a constant with one number a channel. Every
/// statement but the first reads exactly one earlier result, and the last one defines what the unit hands on.
namespace qprep {

/// An operator that a word of a pattern stands for, with what else must hold.
struct FusionOp {
  std::string op;                  // of ONNX's own domain
  std::optional<double> min, max;  // Clip's bounds, both or none
  bool inference = false;          // not in training mode: BatchNormalization
};

struct FusionOperand {
  enum class Kind { kAny, kConstant, kBias, kResult };
  Kind kind = Kind::kAny;
  std::string name;
  std::size_t step = 0;  // kResult: of which statement
};

struct FusionStep {
  std::string word;           // as written: "ConvLike"
  std::vector<FusionOp> ops;  // what it stands for
  bool commutative = false;   // operands may stand in any order
  std::vector<FusionOperand> operands;
  std::size_t needed = 0;  // how many of them must be there; the rest may be omitted
};

struct FusionPattern {
  std::string name;  // "conv-bn-add-relu"
  std::vector<FusionStep> steps;
};

struct FusionRules {
  std::vector<FusionPattern> patterns;  // longest first, then as in the file
};

/// Throws Fatal with every mistake of the file.
FusionRules read_fusion_rules(const std::string& file);

}  // namespace qprep
