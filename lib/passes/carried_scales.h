#pragma once

#include "passes/data_flow.h"

namespace qprep {

/// Result: plan.carried says what the FakeQuantize, QuantizeLinear and DequantizeLinear nodes that the model
/// came with make of their tensors; those whose numbers are unknown or of another kind are left out.
/// What a passive operator hands on counts too.
void find_carried_scales(const DataFlow& flow, Plan& plan);

}  // namespace qprep
