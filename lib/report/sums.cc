#include "report/sums.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

#include "ir/name_of.h"
#include "ir/walk.h"

namespace qprep {
namespace {

class Sums {
 public:
  explicit Sums(const Plan& plan) : plan_(plan) {
    for (const Miss& miss : plan.misses) {
      for (const Node* node : miss.nodes) misses_[node].push_back(&miss);
    }
  }

  bool is_one(const Node& node) const {
    if (!node.is("Add") && !node.is("Sum")) return false;
    const Unit* unit = plan_.unit_of(node);
    if (!unit || unit->is_composite()) return false;
    const std::vector<Value*> inputs = node.inputs();
    const auto is_result = [](const Value* value) { return value && !constant_of(*value); };
    return std::count_if(inputs.begin(), inputs.end(), is_result) > 1;
  }

  ReportSum row(const Node& node) const {
    const Unit& unit = *plan_.unit_of(node);
    ReportSum sum{node.label()};
    if (unit.nodes.size() > 1) {
      sum.unit = unit.pattern;
      sum.layer = unit.nodes.front()->label();
    } else {
      sum.because = why_alone(node);
    }
    return sum;
  }

 private:
  /// The rules that failed where a sequence came as far as the node; else what stands before it.
  std::string why_alone(const Node& node) const {
    std::vector<std::string> reasons;
    const auto add = [&](std::string reason) {
      if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end())
        reasons.push_back(std::move(reason));
    };
    if (const auto missed = misses_.find(&node); missed != misses_.end()) {
      for (const Miss* miss : missed->second) {
        add(fmt::format("{} of {}: {}", miss->pattern, name_of(*miss->nodes.front()), miss->because));
      }
    } else {
      for (const Value* read : node.inputs()) {
        if (read && !constant_of(*read)) add(why_not_of(*read));
      }
    }
    std::string text;
    for (const std::string& reason : reasons) text += (text.empty() ? "" : "; ") + reason;
    return text;
  }

  /// Why no sequence that begins with a layer goes on from the value.
  std::string why_not_of(const Value& value) const {
    const Node* maker = value.producer();
    if (!maker) return fmt::format("'{}' is an input", value.name());
    const Unit* unit = plan_.unit_of(*maker);
    const bool is_layer = unit && !plan_.of(*unit->nodes.front())->weight_because.empty();
    if (unit && unit->is_composite()) {
      return fmt::format("{} '{}' is no layer", unit->pattern, maker->label());
    }
    if (!is_layer) return fmt::format("{} is no layer", name_of(*maker));
    if (unit->nodes.size() == 1) return fmt::format("no sequence goes on with it from {}", name_of(*maker));
    return fmt::format("the unit {} of {} ends with {}", unit->pattern, name_of(*unit->nodes.front()),
                       name_of(*unit->nodes.back()));
  }

  const Plan& plan_;
  std::unordered_map<const Node*, std::vector<const Miss*>> misses_;
};

}  // namespace

std::vector<ReportSum> sums_of(const Graph& graph, const Plan& plan) {
  const Sums sums(plan);
  std::vector<ReportSum> rows;
  for (const Node* node : nodes_with_bodies(graph)) {
    if (sums.is_one(*node)) rows.push_back(sums.row(*node));
  }
  return rows;
}

}  // namespace qprep
