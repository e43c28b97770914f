#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "plan/setting.h"

namespace qprep {

/// Finds the nodes of the main graph that selectors name. Names are those of the user's file: a node answers
/// to its own label, to those of the nodes that were folded into it, and to the names of its results.
/// docs/config.md, "Selectors", says what matches.
class Selection {
 public:
  explicit Selection(const Model& model);

  /// What a selector found. Graph inputs can be named too, since they are quantised like results.
  struct Match {
    std::vector<const Node*> nodes;    // in graph order
    std::vector<const Value*> inputs;  // of the graph, in its order
    bool empty() const { return nodes.empty() && inputs.empty(); }
  };
  Match find(const Selector& selector) const;

  /// For a selector that matches nothing: what is wrong with it, and the nearest that exists.
  std::string why_nothing(const Selector& selector) const;

 private:
  struct Target {
    const Node* node = nullptr;  // exactly one of the two
    const Value* input = nullptr;
    std::size_t position = 0;  // inputs first, then nodes, in the graph's order
  };
  using Entry = std::pair<std::string, Target>;  // a path ("backbone.layer1.Conv") and what it names

  void add(std::string_view name, const Target& target);
  void find_path(const std::string& path, std::vector<Target>& found) const;
  void find_scope(const std::string& path, std::vector<Target>& found) const;
  void find_pattern(const Selector& selector, std::vector<Target>& found) const;

  std::vector<Entry> entries_;  // sorted by path
  std::map<std::string, std::vector<Target>, std::less<>> by_type_;
};

}  // namespace qprep
