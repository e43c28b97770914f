#pragma once

#include <string>

#include "ir/graph.h"
#include "plan/plan.h"
#include "support/diagnostics.h"

namespace qprep {

/// Where ONNX Runtime's own optimisation would compute a model of QuantizeLinear and DequantizeLinear nodes
/// wrong, or crash, a warning (runtime-differs) that says how to run it. `name`: of the model, for messages.
void warn_of_runtime(const Model& model, const Plan& plan, const std::string& name, Diagnostics& diagnostics);

}  // namespace qprep
