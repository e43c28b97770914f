#include "report/region.h"

#include <algorithm>
#include <unordered_set>

#include "ir/name_of.h"
#include "ir/walk.h"
#include "plan/node_settings.h"

namespace qprep {
namespace {

/// One border while it is drawn.
class Border {
 public:
  explicit Border(bool begins) { border_.begins = begins; }

  /// The node stays float since it lies beyond this border.
  void strip(const Node& node) { stripped_.insert(&node); }
  bool is_stripped(const Node* node) const { return node && stripped_.contains(node); }

  void cross(const Value& value, const Node& inner) {
    if (!crossing_.insert(&value).second) return;
    border_.crossings.push_back({users_value(value).name(), inner.label(), inner.op(), inner.made_for()});
  }

  void add_to(std::vector<ReportBorder>& region) {
    if (stripped_.empty()) return;
    border_.beyond = stripped_.size();
    region.push_back(std::move(border_));
  }

 private:
  ReportBorder border_;
  std::unordered_set<const Node*> stripped_;
  std::unordered_set<const Value*> crossing_;
};

bool is_because_of(const Reason& reason, const Setting& general, std::vector<std::string> Selector::*side) {
  return std::any_of(reason.settings.begin(), reason.settings.end(), [&](const Setting* setting) {
    const bool stub =
        setting->selector.kind == Selector::Kind::kOutside && !(setting->selector.*side).empty();
    return setting == &general || stub;
  });
}

bool is_passive(const Plan& plan, const Node& node) {
  const NodePlan* entry = plan.of(node);
  return entry && entry->passive && node.input(0);
}

/// The value whose elements passive operators hand on as this one.
const Value& root_of(const Plan& plan, const Value& value) {
  const Value* root = &value;
  while (root->producer() && is_passive(plan, *root->producer())) root = root->producer()->input(0);
  return *root;
}

}  // namespace

std::vector<ReportBorder> region_of(const Model& model, const Plan& plan) {
  std::vector<ReportBorder> region;
  if (!plan.settings) return region;
  const NodeSettings& settings = *plan.settings;
  const std::vector<const Node*> nodes = nodes_with_bodies(*model.graph);
  Border head(true), tail(false);
  for (const Node* node : nodes) {
    const NodePlan* entry = plan.of(*node);
    if (!entry || entry->device != Device::kCpu) continue;
    if (is_because_of(entry->device_because, settings.head(), &Selector::from)) head.strip(*node);
    if (is_because_of(entry->device_because, settings.tail(), &Selector::to) ||
        (is_passive(plan, *node) && tail.is_stripped(node->input(0)->producer()))) {
      tail.strip(*node);
    }
  }
  for (const Node* node : nodes) {
    for (const Value* read : node->inputs()) {
      if (!read || constant_of(*read)) continue;
      const Value& root = root_of(plan, *read);
      const Node* maker = root.producer();
      if (head.is_stripped(maker) && !head.is_stripped(node)) head.cross(root, *node);
      if (tail.is_stripped(node) && maker && !tail.is_stripped(maker) && plan.unit_of(*maker)) {
        tail.cross(root, *maker);
      }
    }
  }
  head.add_to(region);
  tail.add_to(region);
  return region;
}

}  // namespace qprep
