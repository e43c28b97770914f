#pragma once

#include "passes/pass.h"

namespace qprep {

/// Puts a FakeQuantize behind each value of plan.values and lets the inputs that NodePlan::quantised_inputs
/// names read it. Weights (Role::kWeight) quantise at once, with the scale that the plan knows; activations
/// and other constants only observe until they are calibrated: scale 1, for constants the scale that the plan
/// knows. A graph output that the BPU computes becomes the quantised value and keeps its name; the float
/// value is then `<name>_float`. In the bodies of If, Loop and Scan the same, with the scales as initializers
/// of the main graph. No node is removed, so the plan's keys stay valid. Result: the functions and imports
/// that the nodes need are in the model. Given: model.opset() >= kFakeQuantizeOpset if the plan has a weight.
void insert_fake_quant(Model& model, const Plan& plan, Env& env);

}  // namespace qprep
