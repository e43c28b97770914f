#pragma once

#include <cstdint>
#include <optional>

#include "ir/graph.h"

namespace qprep {

/// The multiplications and additions (MAC) that one run of the node takes: of Conv, ConvTranspose, Gemm,
/// MatMul, RNN, GRU and LSTM by their definitions in ONNX, without what padding saves. 0: it multiplies
/// nothing with a weight or another tensor. nullopt: it does, and a size is unknown, or the count exceeds 63
/// bits.
std::optional<std::int64_t> macs_of(const Node& node);

}  // namespace qprep
