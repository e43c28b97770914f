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

  /// `rule`: what leaves the other side float; null: there is none, the model begins or ends.
  void cross(const Value& value, const Node& inner, const Plan& plan, const Setting* rule) {
    values_.insert(&value);
    const Value& known = users_value(value);
    const auto [at, is_new] = crossing_.emplace(&known, border_.crossings.size());
    if (is_new) {
      const NodePlan* entry = plan.of(inner);
      border_.crossings.push_back({known.name(),
                                   inner.label(),
                                   inner.op(),
                                   inner.made_for(),
                                   entry ? entry->device : Device::kCpu,
                                   {}});
    }
    std::string& because = border_.crossings[at->second].because;
    if (rule && because.empty()) because = to_text(*rule);
  }

  /// The tensors there, as the graph has them.
  const std::unordered_set<const Value*>& values() const { return values_; }

  void add_to(std::vector<ReportBorder>& region, std::size_t beyond, std::size_t beside) {
    if (beyond + beside == 0) return;
    border_.beyond = beyond;
    border_.beside = beside;
    region.push_back(std::move(border_));
  }

 private:
  ReportBorder border_;
  std::unordered_map<const Value*, std::size_t> crossing_;
  std::unordered_set<const Value*> values_;
};

bool is_stub(const Setting& setting, std::vector<std::string> Selector::*side) {
  return setting.selector.kind == Selector::Kind::kOutside && !(setting.selector.*side).empty();
}

/// The rule of head or tail, or the stub, that decided; null: something else did.
const Setting* rule_in(const Reason& reason, const Setting& general,
                       std::vector<std::string> Selector::*side) {
  const auto at = std::ranges::find_if(reason.settings, [&](const Setting* setting) {
    return setting == &general || is_stub(*setting, side);
  });
  return at == reason.settings.end() ? nullptr : *at;
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

  ReportRegion found() const {
    Border from(true), to(false);
    for (const Node* node : nodes_) {
      for (const Value* read : node->inputs()) {
        if (!read || !is_data(*read)) continue;
        if (begins(*read, *node)) from.cross(*read, *node, plan_, rule_of(read->producer()));
        if (is_beyond(node, Side::kTail) && ends(*read)) {
          to.cross(*read, *read->producer(), plan_, rule_of(node));
        }
      }
      for (std::size_t i = 0; i < node->output_count(); ++i) {
        const Value& made = node->output(i);
        if (made.is_graph_output() && !node->graph().holder() && is_data(made) && ends(made)) {
          to.cross(made, *node, plan_, nullptr);
        }
      }
    }
    ReportRegion region;
    const std::size_t before = count(Side::kHead, leading_to(from.values()));
    from.add_to(region.borders, before, count(Side::kHead) - before);
    const std::size_t behind = count(Side::kTail, coming_from(to.values()));
    to.add_to(region.borders, behind, count(Side::kTail) - behind);
    region.cpu_within = std::ranges::any_of(nodes_, [&](const Node* node) { return is_left_within(*node); });
    return region;
  }

 private:
  struct Beyond {
    Side side;
    const Setting* rule;
  };

  bool is_beyond(const Node* node, Side side) const {
    const auto at = beyond_.find(node);
    return at != beyond_.end() && at->second.side == side;
  }
  const Setting* rule_of(const Node* node) const {
    const auto at = beyond_.find(node);
    return at == beyond_.end() ? nullptr : at->second.rule;
  }
  std::size_t count(Side side) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(beyond_, [&](const auto& each) { return each.second.side == side; }));
  }

  std::size_t count(Side side, const std::unordered_set<const Node*>& of) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        beyond_, [&](const auto& each) { return each.second.side == side && of.contains(each.first); }));
  }

  /// The nodes that compute from the values. What a body reads, the node that holds it reads.
  std::unordered_set<const Node*> coming_from(std::unordered_set<const Value*> values) const {
    std::unordered_set<const Node*> found;
    const auto is_from = [&](const Value* value) { return values.contains(value); };
    for (const Node* node : nodes_) {
      if (!found.contains(node->graph().holder()) && !std::ranges::any_of(node->inputs(), is_from)) continue;
      for (const Node* each = node; each; each = each->graph().holder()) {
        found.insert(each);
        for (std::size_t i = 0; i < each->output_count(); ++i) values.insert(&each->output(i));
      }
    }
    return found;
  }

  /// The nodes that the values are computed by.
  std::unordered_set<const Node*> leading_to(std::unordered_set<const Value*> values) const {
    std::unordered_set<const Node*> found;
    const auto makes_one = [&](const Node* node) {
      for (std::size_t i = 0; i < node->output_count(); ++i) {
        if (values.contains(&node->output(i))) return true;
      }
      return false;
    };
    for (const Node* node : std::views::reverse(nodes_)) {
      bool leads = false;
      for (const Node* each = node; each && !leads; each = each->graph().holder()) leads = makes_one(each);
      if (!leads) continue;
      found.insert(node);
      for (const Value* read : node->inputs()) values.insert(read);
    }
    return found;
  }

  /// It runs on the CPU, for another reason than these. What a body holds goes with the node that holds it.
  bool is_left_within(const Node& node) const {
    const NodePlan* entry = plan_.of(node);
    return entry && entry->device == Device::kCpu && !node.graph().holder() && !node.is("Constant") &&
           !beyond_.contains(&node) && !without_data_.contains(&node);
  }

  /// By what the configuration or the method says; what only moves elements of the tail is of the tail.
  void place(const Node& node) {
    const NodePlan* entry = plan_.of(node);
    if (!entry || entry->device != Device::kCpu) return;
    const NodeSettings& settings = *plan_.settings;
    if (entry->passive) {
      const Setting* skip = settings.skip(node);
      if (skip && is_stub(*skip, &Selector::from)) beyond_[&node] = {Side::kHead, skip};
      const Node* maker = node.input(0) ? node.input(0)->producer() : nullptr;
      if (skip && is_stub(*skip, &Selector::to)) {
        beyond_[&node] = {Side::kTail, skip};
      } else if (is_beyond(maker, Side::kTail)) {
        beyond_[&node] = {Side::kTail, rule_of(maker)};
      }
      return;
    }
    const Reason& because = entry->device_because;
    const Setting* head = rule_in(because, settings.head(), &Selector::from);
    const Setting* tail = rule_in(because, settings.tail(), &Selector::to);
    if (head) beyond_[&node] = {Side::kHead, head};
    if (tail) beyond_[&node] = {Side::kTail, tail};
  }

  /// What moves elements, float, for nodes beyond a border alone, is beyond it too.
  void place_by_readers(const Node& node) {
    const NodePlan* entry = plan_.of(node);
    if (!entry || !entry->passive || entry->device != Device::kCpu || beyond_.contains(&node)) return;
    if (!node.input(0) || !is_data(*node.input(0)) || node.output_count() == 0) return;
    std::optional<Beyond> all;
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      if (node.output(i).is_graph_output()) return;
      for (const Use& use : node.output(i).uses()) {
        const auto reader = beyond_.find(use.node);
        if (reader == beyond_.end()) return;
        if (!all || all->side != Side::kTail) all = reader->second;
      }
    }
    if (all) beyond_[&node] = *all;
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
  std::unordered_map<const Node*, Beyond> beyond_;
};

}  // namespace

ReportRegion region_of(const Model& model, const Plan& plan,
                       const std::unordered_set<const Node*>& without_data) {
  if (!plan.settings) return {};
  return Region(model, plan, without_data).found();
}

}  // namespace qprep
