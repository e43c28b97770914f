#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ir/graph.h"

/// What fold-constants computes without a runtime: shape arithmetic and the preparation of weights.
namespace qprep {

/// A result is made if it has at most `bytes`, or no more elements than the constants it is made from.
/// In no case may it have more than `budget` bytes.
struct ResultLimit {
  std::size_t bytes = 0;
  std::size_t budget = 0;
};

struct Evaluation {
  std::vector<Tensor> outputs;  // one for each output of the node; empty: not known here
  bool too_large = false;       // the limit is the reason
};

/// True if some call of the node's operator can be computed. Never so for what is random, trains, or
/// quantises (QuantizeLinear and DequantizeLinear of constants are the quantised form and stay).
bool can_evaluate(const Node& node);

/// Given: can_evaluate(node), and inputs[i] is the constant that input i is, null where it is omitted.
/// `opset`: the version of ONNX's operator set that the node is of.
/// Result: what ONNX says the node computes. Integers wrap as in ONNX Runtime; division by zero, indices out
/// of range, casts of what the target type cannot hold and invalid nodes are not known. Float results are
/// correctly rounded, but for sums of many.
Evaluation evaluate(const Node& node, std::span<const Tensor* const> inputs, std::int64_t opset,
                    const ResultLimit& limit);

}  // namespace qprep
