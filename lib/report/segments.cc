#include "report/segments.h"

#include <algorithm>
#include <vector>

namespace qprep {
namespace {

/// Disjoint sets of numbers.
class Sets {
 public:
  std::size_t add() {
    parent_.push_back(parent_.size());
    return parent_.back();
  }
  std::size_t find(std::size_t i) {
    for (; parent_[i] != i; i = parent_[i]) parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b) { parent_[find(a)] = find(b); }

 private:
  std::vector<std::size_t> parent_;
};

struct Placed {
  std::size_t number = 0;
  std::size_t wave = 0;
  bool bpu = false;
  bool constant = false;
};

/// Calls f with each value of the main graph that the node reads, in its bodies too.
template <typename F>
void for_each_read(const Node& node, const F& f) {
  for (const Value* value : node.inputs()) {
    if (value) f(*value);
  }
  for (const Graph* body : node.bodies()) {
    for (const Node& inner : body->nodes()) for_each_read(inner, f);
    for (const Value* output : body->outputs()) f(*output);
  }
}

}  // namespace

std::unordered_map<const Node*, int> bpu_segments(const Model& model, const Plan& plan) {
  const Graph& graph = *model.graph;
  std::unordered_map<const Node*, Placed> placed;
  Sets sets;
  for (const Node& node : graph.nodes()) {
    Placed here;
    here.number = sets.add();
    const NodePlan* decided = plan.of(node);
    here.bpu = decided && decided->device == Device::kBpu;
    here.constant = node.output_count() > 0;
    for (std::size_t i = 0; i < node.output_count(); ++i)
      here.constant &= constant_of(node.output(i)) != nullptr;
    for_each_read(node, [&](const Value& value) {
      const auto before = placed.find(value.producer());
      if (before == placed.end() || before->second.constant) return;
      here.wave = std::max(here.wave, before->second.wave + (before->second.bpu != here.bpu ? 1 : 0));
    });
    if (here.bpu) {
      for (const Value* value : node.inputs()) {
        const auto before = value ? placed.find(value->producer()) : placed.end();
        if (before == placed.end() || !before->second.bpu || before->second.wave != here.wave) continue;
        sets.join(here.number, before->second.number);
      }
    }
    placed.emplace(&node, here);
  }

  std::unordered_map<const Node*, int> segments;
  std::unordered_map<std::size_t, int> numbers;  // of a set
  for (const Node& node : graph.nodes()) {
    const Placed& here = placed.at(&node);
    if (!here.bpu) continue;
    segments[&node] = numbers.emplace(sets.find(here.number), static_cast<int>(numbers.size())).first->second;
  }
  return segments;
}

}  // namespace qprep
