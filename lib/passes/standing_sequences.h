#pragma once

#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "passes/fusion_matcher.h"

namespace qprep {

/// Sequences of a layer and the batch norm behind it that the configuration alone leaves apart, as the file
/// writes that: one node, or a Mul and an Add.
class StandingSequences {
 public:
  /// Given: all outlive this. As FusionMatcher's.
  StandingSequences(const Model& model, const FusionRules& rules, const DataFlow& flow,
                    const std::vector<Unit>& composites, const March* march, const TargetJudge* target);

  /// The sequence that begins with the layer, with what would follow in its kernel; nullopt: no such batch
  /// norm reads what it makes, or a node of it is taken.
  std::optional<Unit> of(const Node& layer, const FusionMatcher::Taken& taken) const;

 private:
  std::unordered_map<std::string_view, std::vector<const Node*>> norms_;  // by the layer's label
  FusionMatcher layers_;
  FusionRules of_mul_rules_, of_mul_and_add_rules_;
  FusionMatcher of_mul_, of_mul_and_add_;
};

}  // namespace qprep
