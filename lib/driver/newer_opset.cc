#include "driver/newer_opset.h"

#include "quant/fake_quant.h"

namespace qprep {

bool needs_newer_opset(const Config& config, const Model& model, const Plan& plan) {
  if (model.opset() >= kFakeQuantizeOpset) return false;
  for (const auto& [value, decision] : plan.values) {
    if (config.calibration || decision.role == Role::kWeight || decision.fixed) return true;
  }
  return false;
}

void raise_to(std::int64_t opset, Model& model, Diagnostics& diagnostics, std::vector<PutIn>* put_in) {
  raise_opset(model, opset, diagnostics, put_in);
  update_fake_quantize_functions(model);
}

}  // namespace qprep
