#include "driver/small_segments.h"

#include <fmt/format.h>
#include <map>
#include <set>

#include "ir/walk.h"
#include "passes/pipeline.h"
#include "report/segments.h"

namespace qprep {
namespace {

Setting leave_on_cpu(const Node& node, const Placed<std::int64_t>& min_segment, std::size_t kernels) {
  Setting setting;
  setting.selector.kind = Selector::Kind::kExact;
  setting.selector.text = node.label();
  setting.selector.optional = true;
  setting.slot = Slot::kNode;
  setting.says = Precision::kFloat32;
  setting.where = min_segment.where;
  setting.what = fmt::format("hybrid.min_segment {}: its segment of the BPU would have {}", min_segment.value,
                             kernels == 1 ? "one kernel" : fmt::format("{} kernels", kernels));
  return setting;
}

}  // namespace

void move_small_segments(Config& config, const Rules& rules, Model& model) {
  constexpr int kMostRounds = 100;
  for (int round = 0; config.min_segment && round < kMostRounds; ++round) {
    Diagnostics said_at_the_end;
    Plan plan;
    Env env = rules.env_for(config, said_at_the_end);
    run_passes(model, plan, pipeline(PassKind::kDecide), env);
    const std::vector<Setting> more = small_segments(config, model, plan);
    if (more.empty()) return;
    config.setters.insert(config.setters.begin(), more.begin(), more.end());
  }
}

std::vector<Setting> small_segments(const Config& config, const Model& model, const Plan& plan) {
  if (!config.min_segment) return {};
  const Segments segments = bpu_segments(model, plan);
  std::map<int, std::set<int>> kernels;  // by segment, the units
  std::map<int, std::vector<const Node*>> members;
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    const auto at = segments.of.find(node);
    const NodePlan* entry = plan.of(*node);
    if (at == segments.of.end() || !entry || node->is("Constant")) continue;
    members[at->second].push_back(node);
    if (entry->unit >= 0) kernels[at->second].insert(entry->unit);
  }
  std::vector<Setting> settings;
  for (const auto& [segment, nodes] : members) {
    const std::size_t count = kernels[segment].size();
    if (count >= static_cast<std::size_t>(config.min_segment->value)) continue;
    for (const Node* node : nodes) settings.push_back(leave_on_cpu(*node, *config.min_segment, count));
  }
  return settings;
}

}  // namespace qprep
