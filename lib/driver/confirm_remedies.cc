#include "driver/confirm_remedies.h"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "ir/open_axes.h"
#include "ir/walk.h"
#include "passes/size_remedies.h"
#include "passes/target_judge.h"
#include "passes/unit_objections.h"

namespace qprep {
namespace {

constexpr std::int64_t kOfFirstAxes = 1, kOfOthers = 64;

/// The open axes of the model's inputs, each with a size.
std::vector<Placed<OpenSize>> trial_sizes(const Graph& graph) {
  std::unordered_set<std::string> first;
  for (const Value* input : graph.inputs()) {
    if (input->initializer() || !input->type().shape || input->type().shape->empty()) continue;
    if (const Dim& dim = input->type().shape->front(); !dim.known()) first.insert(axis_name(*input, 0));
  }
  std::vector<Placed<OpenSize>> sizes;
  for (const std::string& axis : open_axes(graph)) {
    sizes.push_back({{axis, first.contains(axis) ? kOfFirstAxes : kOfOthers}, {}});
  }
  return sizes;
}

/// Those that the target keeps on the CPU as they are, and that would be replaced if sizes were known.
std::vector<const Node*> waiting_for_sizes(const Model& model, const Plan& plan) {
  std::unordered_set<std::string_view> kept;
  for (const KeptNode& each : model.kept) {
    if (each.lacks_sizes) kept.insert(each.label);
  }
  std::vector<const Node*> waiting;
  if (kept.empty()) return waiting;
  const auto is_kept = [&](const Node* node) { return kept.contains(node->label()); };
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    const NodePlan* entry = plan.of(*node);
    if (!entry || !entry->by_target || entry->device != Device::kCpu) continue;
    const Unit* unit = plan.unit_of(*node);
    if (unit ? std::ranges::any_of(unit->nodes, is_kept) : is_kept(node)) waiting.push_back(node);
  }
  return waiting;
}

/// The nodes on the CPU by their labels, with their remedies.
std::unordered_map<std::string, std::string> on_cpu_of(const Decided& decided) {
  std::unordered_map<std::string, std::string> on_cpu;
  for (const Node* node : nodes_with_bodies(*decided.file.model.graph)) {
    const NodePlan* entry = decided.plan.of(*node);
    if (entry->device == Device::kCpu) on_cpu.emplace(node->label(), entry->remedy);
  }
  return on_cpu;
}

/// Those that the target keeps on the CPU, unless somebody asks for the BPU, and those for which nothing is
/// known that would bring them there.
std::vector<const Node*> kept_on_cpu(const Model& model, const Plan& plan) {
  std::vector<const Node*> kept;
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    const NodePlan* entry = plan.of(*node);
    if (!entry || entry->device != Device::kCpu || node->op() == "Constant") continue;
    if (entry->by_target ? entry->remedy != kAskForBpu : entry->remedy.empty()) kept.push_back(node);
  }
  return kept;
}

/// What has to be done besides, told by a decision for other sizes, is the same for any.
bool holds_for_any_sizes(std::string_view remedies) {
  while (!remedies.empty()) {
    const std::string_view one = remedies.substr(0, remedies.find("; "));
    if (one != kAskForBpu && !one.starts_with(kReshapeToRank) && !one.starts_with(kKeepRank)) return false;
    remedies.remove_prefix(std::min(remedies.size(), one.size() + 2));
  }
  return true;
}

void confirm_size_remedies(const std::filesystem::path& file, const std::string& config,
                           const std::filesystem::path& configs, const Overrides& overrides,
                           const Model& model, Plan& plan) {
  const std::string remedy = size_remedy(*model.graph);
  if (remedy.empty()) return;
  std::vector<const Node*> told;
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    const NodePlan* entry = plan.of(*node);
    if (entry && entry->remedy == remedy) told.push_back(node);
  }
  const std::vector<const Node*> waiting = waiting_for_sizes(model, plan);
  if (told.empty() && waiting.empty()) return;
  const auto take_back = [&](const Node* node) { plan.nodes[node].remedy.clear(); };
  Overrides with_sizes = overrides;
  with_sizes.dims_may_miss = true;
  for (Placed<OpenSize>& size : trial_sizes(*model.graph)) with_sizes.dims.push_back(std::move(size));
  Diagnostics unsaid;
  try {
    const auto on_cpu = on_cpu_of(decide(file, config, configs, unsaid, with_sizes));
    std::erase_if(told, [&](const Node* node) { return !on_cpu.contains(node->label()); });
    for (const Node* node : waiting) {
      const auto stays = on_cpu.find(node->label());
      if (stays == on_cpu.end()) plan.nodes[node].remedy = remedy;
      // Where asking is enough, nothing else is told.
      const bool helps_with_asking = stays != on_cpu.end() && stays->second == kAskForBpu;
      if (helps_with_asking && plan.nodes[node].remedy != kAskForBpu) {
        plan.nodes[node].remedy = fmt::format("{}; {}", remedy, kAskForBpu);
      }
    }
    for (const Node* node : nodes_with_bodies(*model.graph)) {
      NodePlan& entry = plan.nodes[node];
      const auto stays = on_cpu.find(node->label());
      if (entry.device != Device::kCpu || !entry.remedy.empty() || !plan.unit_of(*node)) continue;
      if (stays == on_cpu.end() || stays->second.empty() || !holds_for_any_sizes(stays->second)) continue;
      entry.remedy = fmt::format("{}; {}", remedy, stays->second);
    }
  } catch (const Fatal&) {
    // No remedy that nobody has seen to help.
  }
  std::ranges::for_each(told, take_back);
}

void confirm_fusing_remedies(const std::filesystem::path& file, const std::string& config,
                             const std::filesystem::path& configs, const Overrides& overrides,
                             const Model& model, Plan& plan) {
  if (plan.fuses_nothing.empty()) return;
  const std::vector<const Node*> kept = kept_on_cpu(model, plan);
  if (kept.empty()) return;
  const bool eager = plan.fuses_nothing.find("method: eager") != std::string::npos;
  const std::string remedy = fmt::format("leave out '{}'", eager ? "method: eager" : "fuse: none");
  Overrides with_fusing = overrides;
  with_fusing.fuses_all = true;
  Diagnostics unsaid;
  try {
    const auto on_cpu = on_cpu_of(decide(file, config, configs, unsaid, with_fusing));
    for (const Node* node : kept) {
      if (!on_cpu.contains(node->label())) plan.nodes[node].remedy = remedy;
    }
  } catch (const Fatal&) {
    // As above.
  }
}

/// Of these nodes, those that do not run on the CPU with the overrides are told the remedy. Result: the
/// others.
std::vector<const Node*> tell_if_enough(std::vector<const Node*> open, const std::string& remedy,
                                        const std::filesystem::path& file, const std::string& config,
                                        const std::filesystem::path& configs, const Overrides& overrides,
                                        Plan& plan) {
  if (open.empty()) return open;
  Diagnostics unsaid;
  try {
    const auto on_cpu = on_cpu_of(decide(file, config, configs, unsaid, overrides));
    std::erase_if(open, [&](const Node* node) {
      const bool is_enough = !on_cpu.contains(node->label());
      if (is_enough) plan.nodes[node].remedy = remedy;
      return is_enough;
    });
  } catch (const Fatal&) {
    // As above.
  }
  return open;
}

void confirm_border_remedies(const std::filesystem::path& file, const std::string& config,
                             const std::filesystem::path& configs, const Overrides& overrides,
                             const Model& model, Plan& plan) {
  const std::string remedy = plan.settings ? remedy_of_head_and_tail(*plan.settings) : "";
  if (remedy.empty()) return;
  std::vector<const Node*> open;  // told one of these already, or nothing
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    NodePlan& entry = plan.nodes[node];
    if (entry.device != Device::kCpu || node->op() == "Constant") continue;
    if (!entry.remedy.empty() && entry.remedy != remedy && entry.remedy != kLeaveOutStubs) continue;
    entry.remedy.clear();
    open.push_back(node);
  }
  Overrides other = overrides;
  if (has_stubs(*plan.settings)) {
    other.drops_stubs = true;
    open = tell_if_enough(std::move(open), std::string(kLeaveOutStubs), file, config, configs, other, plan);
  }
  other.quantises_all = true;
  tell_if_enough(std::move(open), remedy, file, config, configs, other, plan);
}

}  // namespace

void confirm_remedies(const std::filesystem::path& file, const std::string& config,
                      const std::filesystem::path& configs, const Overrides& overrides, const Model& model,
                      Plan& plan) {
  confirm_fusing_remedies(file, config, configs, overrides, model, plan);
  confirm_size_remedies(file, config, configs, overrides, model, plan);
  confirm_border_remedies(file, config, configs, overrides, model, plan);
}

}  // namespace qprep
