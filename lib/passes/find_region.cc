#include "passes/find_region.h"

#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "support/text.h"

namespace qprep {
namespace {

constexpr std::size_t kMostNamed = 8;

/// One end of the region.
class Border {
 public:
  /// The node stays float since it lies beyond this border.
  void strip(const Node& node) { stripped_.insert(&node); }
  bool is_stripped(const Node* node) const { return node && stripped_.contains(node); }
  bool any() const { return !stripped_.empty(); }

  void cross(const Value& value, std::string_view sentence) {
    if (!crossing_.insert(&value).second) return;
    if (named_.size() < kMostNamed) named_.push_back(fmt::format("'{}' {}", value.name(), sentence));
  }

  std::string line(std::string_view word, std::string_view side) const {
    std::string text = fmt::format("{} {}", word, join(named_, ", "));
    if (crossing_.size() > named_.size())
      text += fmt::format(" and {} more", crossing_.size() - named_.size());
    return text + fmt::format("; {} {} {} it {} float", stripped_.size(),
                              stripped_.size() == 1 ? "operator" : "operators", side,
                              stripped_.size() == 1 ? "stays" : "stay");
  }

 private:
  std::unordered_set<const Node*> stripped_;
  std::unordered_set<const Value*> crossing_;
  std::vector<std::string> named_;
};

bool is_because_of(const Reason& reason, const Setting& general, std::vector<std::string> Selector::*side) {
  return std::any_of(reason.settings.begin(), reason.settings.end(), [&](const Setting* setting) {
    const bool stub =
        setting->selector.kind == Selector::Kind::kOutside && !(setting->selector.*side).empty();
    return setting == &general || stub;
  });
}

}  // namespace

void find_region(const DataFlow& flow, const NodeSettings& settings, Plan& plan) {
  Border head, tail;
  for (const Node* node : flow.nodes()) {
    const NodePlan* entry = plan.of(*node);
    if (!entry || entry->device != Device::kCpu) continue;
    if (is_because_of(entry->device_because, settings.head(), &Selector::from)) head.strip(*node);
    const bool hands_on = flow.traits(*node).op_class == OpClass::kPassive && node->input(0);
    if (is_because_of(entry->device_because, settings.tail(), &Selector::to) ||
        (hands_on && tail.is_stripped(node->input(0)->producer()))) {
      tail.strip(*node);
    }
  }
  for (const Node* node : flow.nodes()) {
    for (const Value* read : node->inputs()) {
      if (!read || is_constant(*read)) continue;
      const Value* root = flow.of(*read).root;
      const Node* maker = root->producer();
      if (head.is_stripped(maker) && !head.is_stripped(node)) {
        head.cross(*root, fmt::format("that {} reads", name_of(*node)));
      }
      if (tail.is_stripped(node) && maker && !tail.is_stripped(maker) && plan.unit_of(*maker)) {
        tail.cross(*root, fmt::format("that {} makes", name_of(*maker)));
      }
    }
  }
  if (head.any()) plan.region.push_back(head.line("from", "before"));
  if (tail.any()) plan.region.push_back(tail.line("to", "behind"));
}

}  // namespace qprep
