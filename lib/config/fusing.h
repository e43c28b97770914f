#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/fusion.h"
#include "config/yaml_reader.h"
#include "plan/setting.h"
#include "support/diagnostics.h"

/// What a configuration says of fusion: the keys `fuse`, `bn` and `patterns`, and `method: eager`.
namespace qprep {

/// kFold: batch norms are multiplied into the weights beside them. kKeep: the QAT forms have those behind a
/// layer as nodes of their own, so that training goes on with them.
enum class BatchNorms { kFold, kKeep };
std::string_view to_text(BatchNorms batch_norms);

/// A list of `fuse`: names of nodes and modules that are to run as one kernel.
struct FuseList {
  std::vector<Placed<std::string>> names;
  Where where;
};

struct Fusing {
  bool eager = false;  // `method: eager`: no operator is recognised in what nodes spell out together
  /// Where it is said that nothing is fused but what `lists` say; nullopt: everything that can be is.
  std::optional<Where> only_lists;
  std::vector<FuseList> lists;
  Placed<BatchNorms> batch_norms = {BatchNorms::kFold, {}};
  FusionParts patterns;  // besides those of configs/fusion.yaml

  bool fuses_all() const { return !only_lists; }
};

/// "the configuration fuses nothing (fuse: none, qprep.yaml:2:7)"; empty: it lets something be fused.
std::string why_nothing_is_fused(const Fusing& fusing);

/// Reads `fuse`, `bn` and `patterns`. `method`: as the file says it.
Fusing read_fusing(YamlMap& file, const Placed<std::string>& method, Diagnostics& diagnostics);

}  // namespace qprep
