#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

/// configs/fusion.yaml: the sequences of nodes that a target runs as one kernel, as patterns of text.
///
///     { c = ConvLike(x, w, b?)  a = AddLike(c, r)  y = Act(a) }
///
/// The file explains the language. Reading joins each head with each tail, so that a pattern here is
/// complete.
namespace qprep {

/// An operator of ONNX's own domain that a word of a pattern stands for, or a composite operator.
struct FusionOp {
  std::string op;
  bool composite = false;                    // `op` is a name of configs/composites.yaml
  std::optional<double> min = {}, max = {};  // Clip's bounds; both or none
};

struct FusionOperand {
  enum class Kind { kAny, kConstant, kBias, kResult };

  Kind kind = Kind::kAny;
  std::string name;
  bool optional = false;
  std::size_t step = 0;  // kResult: the number of the statement that made it
};

/// One statement: a node.
struct FusionStep {
  std::vector<FusionOp> any_of;
  bool commutative = false;  // two operands, in either order
  std::vector<FusionOperand> operands;
};

struct FusionPattern {
  std::string name;  // "conv-bn-add-relu"; "conv" for a head alone
  std::vector<FusionStep> steps;
};

struct FusionRules {
  std::vector<FusionPattern> patterns;  // the longest first, else in the file's order
};

/// Throws Fatal with every mistake of the file.
FusionRules read_fusion_rules(const std::string& file);

}  // namespace qprep
