#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "passes/data_flow.h"
#include "plan/plan.h"

namespace qprep {

/// A precision, and where it comes from: "default: int8 weights".
struct Template {
  Precision precision = Precision::kInt8;
  std::string source;
};

/// How the constants that are weights would be quantised.
struct WeightDecisions {
  std::unordered_map<const Value*, Decision> decisions;   // by the constant
  std::unordered_map<const Value*, std::string> refused;  // why one stays float, "it holds 3 NaN"
  Template chosen;

  bool all_float() const { return chosen.precision == Precision::kFloat32; }
};

/// The constant that `node` reads as its weight there, through passive operators; null: it is no weight.
const Value* weight_of(const DataFlow& flow, const Node& node, std::size_t input);

/// Decides each constant that gemm_like nodes of the main graph read as their weight: per channel where all
/// of them count output channels along the same axis, else per tensor. Computes the scales, which go to
/// plan.known_scales.
WeightDecisions decide_weights(const Model& model, const DataFlow& flow, Template chosen, Plan& plan);

}  // namespace qprep
