#include "report/segments.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <vector>

#include "ir/walk.h"

namespace qprep {
namespace {

/// Disjoint sets of numbers.
class Sets {
 public:
  explicit Sets(std::size_t count) : parent_(count) {
    for (std::size_t i = 0; i < count; ++i) parent_[i] = i;
  }
  std::size_t find(std::size_t i) {
    for (; parent_[i] != i; i = parent_[i]) parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b) { parent_[find(a)] = find(b); }

 private:
  std::vector<std::size_t> parent_;
};

struct Place {
  const Node* node = nullptr;
  bool bpu = false;
  bool reads_data = false;
  std::int64_t wave = 0;
  std::vector<std::size_t> sources;  // the nodes that make what it reads, shapes excepted
};

/// Calls f with each value that the node reads, in its bodies too.
template <typename F>
void for_each_read(const Node& node, const F& f) {
  if (node.is("Shape") || node.is("Size")) return;
  for (const Value* value : node.inputs()) {
    if (value) f(*value);
  }
  for (const Graph* body : node.bodies()) {
    for (const Node& inner : body->nodes()) for_each_read(inner, f);
    for (const Value* output : body->outputs()) f(*output);
  }
}

bool is_around(const Graph& graph, const Node& node) {
  for (const Node* at = node.graph().holder(); at; at = at->graph().holder()) {
    if (&at->graph() == &graph) return true;
  }
  return false;
}

class Waves {
 public:
  Waves(const Graph& graph, const Plan& plan) {
    for (const Node& node : graph.nodes()) {
      number_.emplace(&node, places_.size());
      places_.push_back(place_of(node, plan));
    }
    for (Place& place : places_) advance(place);
    latest_.assign(places_.size(), kUnbound);
    for (std::size_t i = places_.size(); i-- > 0;) postpone(i);
  }

  const std::vector<Place>& places() const { return places_; }

 private:
  Place place_of(const Node& node, const Plan& plan) const {
    Place place;
    place.node = &node;
    const NodePlan* decided = plan.of(node);
    place.bpu = decided && decided->device == Device::kBpu;
    for_each_read(node, [&](const Value& value) {
      if (&value.graph() != &node.graph()) {
        place.reads_data |= is_around(value.graph(), node) && !constant_of(value);
        return;  // or a body's own
      }
      if (!value.producer()) {
        place.reads_data |= value.is_graph_input() && !value.initializer();
        return;
      }
      const std::size_t source = number_.at(value.producer());
      place.sources.push_back(source);
      place.reads_data |= places_[source].reads_data;
    });
    return place;
  }

  static std::int64_t step(const Place& from, const Place& to) { return from.bpu != to.bpu ? 1 : 0; }

  void advance(Place& place) const {
    for (const std::size_t source : place.sources) {
      const Place& before = places_[source];
      if (before.reads_data) place.wave = std::max(place.wave, before.wave + step(before, place));
    }
  }

  /// Given: all readers have their waves. Result: those that a node without data feeds bound its wave.
  void postpone(std::size_t i) {
    Place& place = places_[i];
    if (!place.reads_data && latest_[i] != kUnbound) place.wave = latest_[i];
    for (const std::size_t source : place.sources) {
      latest_[source] = std::min(latest_[source], place.wave - step(places_[source], place));
    }
  }

  static constexpr auto kUnbound = std::numeric_limits<std::int64_t>::max();

  Numbered<Node, std::size_t> number_;
  std::vector<Place> places_;
  std::vector<std::int64_t> latest_;  // of each place, as far as its readers are known
};

}  // namespace

Segments bpu_segments(const Model& model, const Plan& plan) {
  Segments segments;
  for (const Graph* graph : graphs_with_bodies(*model.graph)) {
    const Waves waves(*graph, plan);
    const std::vector<Place>& places = waves.places();
    Sets sets(places.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
      for (const std::size_t source : places[i].sources) {
        if (places[i].bpu && places[source].bpu && places[i].wave == places[source].wave)
          sets.join(i, source);
      }
    }
    std::unordered_map<std::size_t, int> numbers;  // of a set
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (!places[i].reads_data) segments.without_data.insert(places[i].node);
      if (!places[i].bpu) continue;
      const auto [at, is_new] = numbers.emplace(sets.find(i), segments.count);
      if (is_new) ++segments.count;
      segments.of[places[i].node] = at->second;
    }
  }
  return segments;
}

}  // namespace qprep
