#include "passes/wanted_device.h"

#include <fmt/format.h>

#include "passes/selection.h"
#include "support/codes.h"

namespace qprep {

void warn_of_nodes_not_on_bpu(const Model& model, const Plan& plan,
                              const std::vector<std::pair<std::string, Where>>& wanted,
                              Diagnostics& diagnostics) {
  if (wanted.empty()) return;
  const Selection selection(model, nullptr);
  for (const auto& [name, where] : wanted) {
    Selector selector;
    selector.kind = Selector::Kind::kExact;
    selector.text = name;
    const Selection::Match match = selection.find(selector);
    if (match.empty()) diagnostics.error(codes::kNoMatch, selection.why_nothing(selector), where);
    for (const Node* node : match.nodes) {
      const NodePlan* planned = plan.of(*node);
      if (!planned || planned->device == Device::kBpu) continue;
      diagnostics.warning(codes::kNotOnBpu,
                          fmt::format("'{}' is wanted on the BPU, and stays on the CPU: {}", name,
                                      planned->device_because.text),
                          where);
    }
  }
}

}  // namespace qprep
