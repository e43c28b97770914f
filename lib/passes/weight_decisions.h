#pragma once

#include <optional>
#include <string>

#include "passes/data_flow.h"
#include "plan/node_settings.h"
#include "plan/plan.h"

namespace qprep {

class TargetJudge;

/// How the constants that are weights would be quantised.
struct WeightDecisions {
  Numbered<Value, Decision> decisions;  // by the constant
  /// The setting without which a weight would be refused, or left, as the next one wants it.
  Numbered<Value, const Setting*> keepers;
  Numbered<Value, Reason> refused;  // why one stays float, and its unit with it
  Numbered<Value, Reason> left;     // those of a model whose weights stay float
};

/// The constant that `node` reads as its weight there, through passive operators; null: it is no weight.
const Value* weight_of(const DataFlow& flow, const Node& node, std::size_t input);

/// Decides each constant that gemm_like nodes read as their weight: per channel where all
/// of them count output channels along the same axis, else per tensor. Where they have different settings,
/// the one of the highest priority holds. A precision that the target does not have for one of them becomes
/// int8, which the reason says. Computes the scales, which go to plan.known_scales.
WeightDecisions decide_weights(const DataFlow& flow, const NodeSettings& settings, const TargetJudge& target,
                               Plan& plan);

}  // namespace qprep
