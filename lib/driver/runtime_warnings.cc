#include "driver/runtime_warnings.h"

#include <fmt/format.h>

#include "ir/name_of.h"
#include "passes/propagation_hazard.h"
#include "support/codes.h"

namespace qprep {
namespace {

/// Biases beside int16 weights stay float here; ONNX Runtime rounds them to steps of s_x * s_w, in which they
/// overflow, when it fuses the nodes around them.
bool has_int16_beside_int16(const Plan& plan) {
  bool weights = false, activations = false;
  for (const auto& [value, decision] : plan.values) {
    if (decision.spec.precision != Precision::kInt16) continue;
    weights = weights || decision.role == Role::kWeight;
    activations = activations || decision.role == Role::kActivation;
  }
  return weights && activations;
}

}  // namespace

void warn_of_runtime(const Model& model, const Plan& plan, const std::vector<const Node*>& misfits,
                     const std::string& name, Diagnostics& diagnostics) {
  if (has_int16_beside_int16(plan)) {
    diagnostics.warning(
        codes::kRuntimeDiffers,
        "int16 weights beside int16 activations: ONNX Runtime's own optimisation may compute the "
        "written model wrong; run it with session.disable_quant_qdq = 1",
        {name});
  } else if (!misfits.empty()) {
    diagnostics.warning(
        codes::kRuntimeDiffers,
        fmt::format(
            "the bias of {}{} does not fit int32 of the scale of its products, and ONNX Runtime's own "
            "optimisation makes it int32 all the same; run the written model with "
            "session.disable_quant_qdq = 1",
            name_of(*misfits.front()),
            misfits.size() > 1 ? fmt::format(" (and of {} more)", misfits.size() - 1) : ""),
        {name});
  }
  if (const Node* node = propagation_hazard(*model.graph)) {
    diagnostics.warning(
        codes::kRuntimeDiffers,
        fmt::format("ONNX Runtime 1.31.1 may crash while it loads the written model, since a body reads "
                    "what {} makes of a dequantised tensor; run it with session.disable_quant_qdq = 1",
                    name_of(*node)),
        {name});
  }
}

}  // namespace qprep
