#include "driver/whole_on_bpu.h"

#include <algorithm>
#include <fmt/format.h>

#include "ir/walk.h"
#include "passes/data_flow.h"
#include "report/segments.h"
#include "support/codes.h"

namespace qprep {
namespace {

constexpr std::size_t kMostNamed = 100;

/// The configuration or the method has it stay float there.
bool stands_outside(const NodePlan& plan) {
  return std::ranges::any_of(plan.device_because.settings, [](const Setting* setting) {
    return setting->slot == Slot::kHead || setting->slot == Slot::kTail ||
           setting->selector.kind == Selector::Kind::kOutside;
  });
}

}  // namespace

void check_whole_on_bpu(const Config& config, const Model& model, const Plan& plan,
                        Diagnostics& diagnostics) {
  if (!config.hybrid || config.hybrid->value) return;
  const Segments segments = bpu_segments(model, plan);
  std::size_t refused = 0;
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    const NodePlan* decided = plan.of(*node);
    if (!decided || decided->device == Device::kBpu || decided->passive || node->is("Constant")) continue;
    if (segments.without_data.contains(node) || stands_outside(*decided)) continue;
    if (++refused > kMostNamed) continue;
    diagnostics.error(
        codes::kNotOnBpu,
        fmt::format("'hybrid' is off, and {} would run on the CPU: {}{}", name_of(*node),
                    decided->device_because.text,
                    decided->remedy.empty() ? "" : fmt::format("; remedy: {}", decided->remedy)),
        config.hybrid->where);
  }
  if (refused > kMostNamed) {
    diagnostics.error(codes::kNotOnBpu, fmt::format("and {} more nodes would", refused - kMostNamed),
                      config.hybrid->where);
  }
}

}  // namespace qprep
