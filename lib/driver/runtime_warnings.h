#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"
#include "support/diagnostics.h"

namespace qprep {

/// Where ONNX Runtime's own optimisation would compute a model of QuantizeLinear and DequantizeLinear nodes
/// wrong, or crash, a warning (runtime-differs) that says how to run it. `name`: of the model, for messages.
/// `misfits`: nodes whose biases do not fit int32.
void warn_of_runtime(const Model& model, const Plan& plan, const std::vector<const Node*>& misfits,
                     const std::string& name, Diagnostics& diagnostics);

}  // namespace qprep
