#pragma once

#include <cstdint>
#include <vector>

#include "config/config.h"
#include "ir/graph.h"
#include "opset/raise_opset.h"
#include "plan/plan.h"
#include "support/diagnostics.h"

namespace qprep {

/// FakeQuantize nodes that compute are to be inserted, and need a newer operator set than the model has. The
/// deciding passes have to see the graph of that. Given: the plan is as they left it.
bool needs_newer_opset(const Config& config, const Model& model, const Plan& plan);

/// Result: the model is at least of that operator set, and so are FakeQuantize functions that it holds.
/// `put_in`: as raise_opset has it.
void raise_to(std::int64_t opset, Model& model, Diagnostics& diagnostics,
              std::vector<PutIn>* put_in = nullptr);

}  // namespace qprep
