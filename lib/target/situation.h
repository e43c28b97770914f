#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ir/dtype.h"

namespace qprep {

/// What holds for a node and does not stand in it; nullopt: not known.
struct Situation {
  std::optional<std::int64_t> opset;           // of ONNX's own operators, in the model
  std::vector<std::size_t> data = {0};         // the inputs that carry data, ascending; no shapes, no indices
  std::optional<DType> input, weight, output;  // kInt8, kInt16, kInt32 or kFloat32: the precisions asked for
  std::optional<bool> fused;                   // runs inside the kernel of another operator
  std::optional<bool> feeds_shortcut_add;      // an Add of a second branch follows and is fused with it
  std::optional<bool> last_of_segment;         // nothing quantised reads its result
};

}  // namespace qprep
