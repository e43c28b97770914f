#include "report/region.h"

#include <algorithm>
#include <ranges>
#include <unordered_map>
#include <unordered_set>

#include "ir/name_of.h"
#include "ir/walk.h"
#include "plan/node_settings.h"

namespace qprep {
namespace {

/// Which border a node lies beyond.
enum class Side { kHead, kTail };

/// One border while it is drawn.
class Border {
 public:
  explicit Border(bool begins) { border_.begins = begins; }

  void cross(const Value& value, const Node& inner, const Plan& plan) {
    const Value& known = users_value(value);
    if (!crossing_.insert(&known).second) return;
    const NodePlan* entry = plan.of(inner);
    border_.crossings.push_back(
        {known.name(), inner.label(), inner.op(), inner.made_for(), entry ? entry->device : Device::kCpu});
  }

  void add_to(std::vector<ReportBorder>& region, std::size_t beyond) {
    if (beyond == 0) return;
    border_.beyond = beyond;
    region.push_back(std::move(border_));
  }

 private:
  ReportBorder border_;
  std::unordered_set<const Value*> crossing_;
};

bool is_because_of(const Reason& reason, const Setting& general, std::vector<std::string> Selector::*side) {
  return std::any_of(reason.settings.begin(), reason.settings.end(), [&](const Setting* setting) {
    const bool stub =
        setting->selector.kind == Selector::Kind::kOutside && !(setting->selector.*side).empty();
    return setting == &general || stub;
  });
}

/// Its elements could be quantised: shapes, indices and conditions could not.
bool is_data(const Value& value) {
  const Type& type = value.type();
  const bool maybe_float =
      type.kind == Type::Kind::kUnknown ||
      (type.kind == Type::Kind::kTensor && (type.dtype == DType::kUndefined || is_floating(type.dtype)));
  return maybe_float && !value.name().empty() && !constant_of(value);
}

bool makes_data(const Node& node) {
  for (std::size_t i = 0; i < node.output_count(); ++i) {
    if (is_data(node.output(i))) return true;
  }
  return false;
}

class Region {
 public:
  Region(const Model& model, const Plan& plan, const std::unordered_set<const Node*>& without_data)
      : plan_(plan), without_data_(without_data), nodes_(nodes_with_bodies(*model.graph)) {
    for (const Node* node : nodes_) place(*node);
    for (const Node* node : std::views::reverse(nodes_)) place_by_readers(*node);
  }

  std::vector<ReportBorder> borders() const {
    Border from(true), to(false);
    for (const Node* node : nodes_) {
      for (const Value* read : node->inputs()) {
        if (!read || !is_data(*read)) continue;
        if (begins(*read, *node)) from.cross(*read, *node, plan_);
        if (is_beyond(node, Side::kTail) && ends(*read)) to.cross(*read, *read->producer(), plan_);
      }
      for (std::size_t i = 0; i < node->output_count(); ++i) {
        const Value& made = node->output(i);
        if (made.is_graph_output() && !node->graph().holder() && is_data(made) && ends(made)) {
          to.cross(made, *node, plan_);
        }
      }
    }
    std::vector<ReportBorder> region;
    from.add_to(region, count(Side::kHead));
    to.add_to(region, count(Side::kTail));
    return region;
  }

 private:
  bool is_beyond(const Node* node, Side side) const {
    const auto at = beyond_.find(node);
    return at != beyond_.end() && at->second == side;
  }
  std::size_t count(Side side) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(beyond_, [&](const auto& each) { return each.second == side; }));
  }

  /// By what the configuration or the method says; what only moves elements of the tail is of the tail.
  void place(const Node& node) {
    const NodePlan* entry = plan_.of(node);
    if (!entry || entry->device != Device::kCpu) return;
    const NodeSettings& settings = *plan_.settings;
    if (entry->passive) {
      const Setting* skip = settings.skip(node);
      const bool outside = skip && skip->selector.kind == Selector::Kind::kOutside;
      if (outside && !skip->selector.from.empty()) beyond_[&node] = Side::kHead;
      const Value* data = node.input(0);
      if ((outside && !skip->selector.to.empty()) || (data && is_beyond(data->producer(), Side::kTail))) {
        beyond_[&node] = Side::kTail;
      }
      return;
    }
    if (is_because_of(entry->device_because, settings.head(), &Selector::from)) beyond_[&node] = Side::kHead;
    if (is_because_of(entry->device_because, settings.tail(), &Selector::to)) beyond_[&node] = Side::kTail;
  }

  /// What moves elements, float, for nodes beyond a border alone, is beyond it too.
  void place_by_readers(const Node& node) {
    const NodePlan* entry = plan_.of(node);
    if (!entry || !entry->passive || entry->device != Device::kCpu || beyond_.contains(&node)) return;
    if (!node.input(0) || !is_data(*node.input(0)) || node.output_count() == 0) return;
    std::optional<Side> side;
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      if (node.output(i).is_graph_output()) return;
      for (const Use& use : node.output(i).uses()) {
        const auto reader = beyond_.find(use.node);
        if (reader == beyond_.end()) return;
        if (side != Side::kTail) side = reader->second;
      }
    }
    if (side) beyond_[&node] = *side;
  }

  /// A node of the region reads what the model's caller gives, or a node of the head makes.
  bool begins(const Value& read, const Node& reader) const {
    if (beyond_.contains(&reader) || !makes_data(reader)) return false;
    const bool given = !read.producer() && read.is_graph_input() && !read.graph().holder();
    return given || is_beyond(read.producer(), Side::kHead);
  }

  /// A node of the region makes it.
  bool ends(const Value& value) const {
    const Node* maker = value.producer();
    return maker && !beyond_.contains(maker) && !without_data_.contains(maker);
  }

  const Plan& plan_;
  const std::unordered_set<const Node*>& without_data_;
  std::vector<const Node*> nodes_;
  std::unordered_map<const Node*, Side> beyond_;
};

}  // namespace

std::vector<ReportBorder> region_of(const Model& model, const Plan& plan,
                                    const std::unordered_set<const Node*>& without_data) {
  if (!plan.settings) return {};
  return Region(model, plan, without_data).borders();
}

}  // namespace qprep
