#pragma once

#include <cstdint>

namespace qprep {

/// The newest version of ONNX's own operator set whose changes are known (ONNX 1.23): lib/opset raises to it.
inline constexpr std::int64_t kNewestOpset = 28;

}  // namespace qprep
