#pragma once

#include "ir/graph.h"

namespace qprep {

/// Payloads up to this size may be shapes, axes, scales and the like: inference sees them.
inline constexpr std::size_t kLargestShapeData = 8192;

/// What ONNX's shape inference may look at, so that it ends soon whatever the model says.
struct InferenceScope {
  bool functions = true;  // expand the calls of model-local functions
  bool bodies = true;     // enter the bodies of control flow
  bool any = true;        // run it at all
};

/// The widest scope in which inference takes time and memory proportional to an ordinary model's. Each of
/// these models is small and lets inference run, for practical purposes, for ever: functions that call
/// functions twice each; ten thousand bodies inside a graph of ten thousand values (inference copies the
/// table of outer values for every body); a sequence of a sequence of ... of tensors. BoundedSchemas bounds
/// the contents that it follows.
InferenceScope inference_scope(const Model& model);

}  // namespace qprep
