#include "driver/newer_opset.h"

#include <algorithm>

#include "quant/fake_quant.h"

namespace qprep {

bool needs_newer_opset(const Config& config, const Model& model, const Plan& plan) {
  if (model.opset() >= kFakeQuantizeOpset) return false;
  return std::ranges::any_of(plan.values, [&](const auto& entry) {
    return config.calibration || entry.second.role == Role::kWeight || entry.second.fixed;
  });
}

void raise_to(std::int64_t opset, Model& model, Diagnostics& diagnostics, std::vector<PutIn>* put_in) {
  raise_opset(model, opset, diagnostics, put_in);
  update_fake_quantize_functions(model);
}

}  // namespace qprep
