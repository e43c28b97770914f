#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "config/yaml_reader.h"

/// configs/fusion.yaml: the sequences of nodes that a target runs as one kernel, as patterns of text.
///
///     { c = ConvLike(x, w, b?)  a = AddLike(c, r)  y = Act(a) }
///
/// The file explains the language. Reading joins each head with each tail, so that a pattern here is
/// complete.
namespace qprep {

/// An operator that a word of a pattern stands for, or a composite operator.
struct FusionOp {
  std::string op;          // "Relu", or "com.microsoft::QuickGelu" outside ONNX's own domain
  bool composite = false;  // `op` is a name of configs/composites.yaml
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
  std::size_t head = 1;  // how many of the steps are its head's
};

/// What a file says, before heads and tails are joined.
struct FusionParts {
  std::vector<FusionPattern> heads;             // their last statement is the tails' `h`
  std::vector<FusionPattern> tails;             // their statement 0 would be that
  std::vector<FusionPattern> units;             // sequences that are whole
  std::vector<Placed<FusionOp>> own_operators;  // that its own words stand for

  bool empty() const { return heads.empty() && tails.empty() && units.empty(); }
};

struct FusionRules {
  std::vector<FusionPattern> patterns;  // the longest first, else in the file's order
  FusionParts parts;                    // that they are made of

  /// Each head alone and with each tail, and the units.
  static FusionRules of(FusionParts parts);
  /// The same rules with these tails only.
  FusionRules with_tails(const std::vector<std::string>& names) const;
  /// The same rules and those of `more`, whose heads are joined with these tails too and the other way round.
  FusionRules with(const FusionParts& more) const;
};

/// Throws Fatal with every mistake of the file.
FusionRules read_fusion_rules(const std::string& file);

/// Reads the same keys in a map of another file, whose patterns may use the words of `file` (fusion.yaml)
/// too. Mistakes go to `diagnostics`.
FusionParts read_fusion_parts(YamlMap& map, const std::string& file, Diagnostics& diagnostics);

}  // namespace qprep
