#pragma once

#include "onnx_io/onnx_file.h"

namespace qprep {

/// Runs ONNX's own shape inference on the model without its payloads (small ones, which shapes are computed
/// from, excepted). Result: values whose type it found have it, also in the bodies of control flow; the
/// file's record is unchanged. Never fails: what goes wrong is a note (shape-inference), and the types are
/// what they were.
void infer_shapes(OnnxFile& file, Diagnostics& diagnostics);

}  // namespace qprep
