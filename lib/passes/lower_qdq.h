#pragma once

#include <cstdint>

#include "ir/graph.h"
#include "support/diagnostics.h"

namespace qprep {

/// The operator set that lower_qdq needs the model to have: 13 if a calibrated node is per channel, else 10.
/// (int16 could do with less in com.microsoft's operators, but ONNX Runtime quantises the bias beside a
/// weight per channel by ONNX's own, and then refuses the model.) The caller raises the model to it first.
std::int64_t opset_for_qdq(const Model& model);

/// Every calibrated FakeQuantize becomes QuantizeLinear and DequantizeLinear (`<x>_quantized` between them),
/// in place: the value that it produced keeps its name and its readers. Scales become scalars or 1-D along
/// `axis`, zero points int8 or int16. int16 below operator set 21 uses domain com.microsoft, which ONNX
/// Runtime has. A constant whose range is only a part of its type (4 bits) is
/// first bounded to it. An uncalibrated one goes away, so that its tensor is float, with a note. Bit-equal to
/// the FakeQuantize but for the sign of zeros and NaN, which no integer has. Given: model.opset() >=
/// opset_for_qdq(model). A node that Q/DQ cannot express is an error in `diagnostics` and stays.
void lower_qdq(Model& model, Diagnostics& diagnostics);

/// The same with the operators of the vendor's exported QAT models, which belong to domain `horizon` (version
/// 1) and need operator set kHorizonOpset of the model: HzQuantize (attribute bits: 8 or 16) and
/// HzDequantize, scales and zero points 1-D along `axis`, which is 1 for a whole tensor. They know no other
/// scheme than all signed integers with zero point 0: a node of another one is an error.
inline constexpr std::int64_t kHorizonOpset = 11;
void lower_to_horizon(Model& model, Diagnostics& diagnostics);

}  // namespace qprep
