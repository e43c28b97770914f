#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"
#include "plan/setting.h"
#include "support/diagnostics.h"

/// What a pass is. Each stands in a file of its own name (drop-identity: drop_identity.h); pipeline.cc lists
/// them.
namespace qprep {

struct Composites;
struct Fusing;
struct FusionRules;
struct March;
struct OpClasses;

/// Bounds on what passes may make.
struct Limits {
  /// Largest constant that fold-constants makes out of nothing: the shape arithmetic and masks of real models
  /// stay far below it, a Tile or ConstantOfShape bomb far above. A result with no more elements than the
  /// constants it is made from (a transposed weight) may be larger.
  std::size_t folded_bytes = std::size_t{1} << 20;
  /// What all of fold-constants' results and the constants that it reads for them may add up to, besides four
  /// times the model's own constants, which in turn count up to the second number.
  std::size_t folding_bytes = std::size_t{64} << 20;
  std::size_t folding_bytes_of_constants = std::size_t{1} << 30;
};

/// What passes may use besides the graph and the plan.
struct Env {
  Diagnostics& diagnostics;
  std::vector<Setting> settings = {};     // the configuration, earlier ones win
  const OpClasses* op_classes = nullptr;  // Given: not null while deciding passes run
  Limits limits = {};
  const FusionRules* fusion = nullptr;     // Given: not null while group-units runs
  const Composites* composites = nullptr;  // the same
  const Fusing* fusing = nullptr;          // what the configuration says of fusion; null: nothing
  const March* march = nullptr;            // null: the configuration names none, and nothing depends on it
  std::vector<std::string> replace = {};   // what replace-operators does: names of config/replacements.h
};

/// Changes the graph without changing what it computes. Result: whether it changed anything.
using Rewrite = bool (*)(Model&, Env&);
/// Writes decisions with their reasons; cannot touch the graph.
using Decide = void (*)(const Model&, Plan&, Env&);
/// Carries decisions out; cannot change them.
using Act = void (*)(Model&, const Plan&, Env&);

struct Pass {
  std::string_view name;     // kebab-case, as its file: "fold-batch-norm"
  std::string_view summary;  // one line, for --help
  std::variant<Rewrite, Decide, Act> run;
};

}  // namespace qprep
