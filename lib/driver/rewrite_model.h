#pragma once

#include "onnx_io/onnx_file.h"
#include "passes/pipeline.h"

namespace qprep {

/// Runs the rewriting passes. Given: shapes were inferred. They are once more where functions were opened.
/// Where nodes went, what shapes are computed from may have become constant: if shapes inside the graph are
/// still unknown, they are inferred once more, and what that makes constant is folded, round after round
/// until nothing changes, before the last pass, replace-operators. The observer sees no round but the first.
/// Result: false where the observer
/// stopped it; else Model::gone is settled, too.
bool rewrite_model(OnnxFile& file, Plan& plan, Env& env, const PassObserver& observer = {});

}  // namespace qprep
