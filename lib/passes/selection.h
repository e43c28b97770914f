#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "passes/data_flow.h"
#include "plan/setting.h"

namespace qprep {

/// Finds the nodes of the main graph and of the bodies of its control flow that selectors name. Names are
/// those of the user's file: a node answers to its own label, to those of the nodes that were folded into it,
/// and to the names of its results. docs/config.md, "Selectors", says what matches.
class Selection {
 public:
  /// `flow` is needed for selectors of classes and of what leads to an operator (null: they find nothing).
  /// Given: model and flow outlive this.
  Selection(const Model& model, const DataFlow* flow);

  /// What a selector found. Graph inputs can be named too, since they are quantised like results.
  struct Match {
    std::vector<const Node*> nodes;    // in graph order
    std::vector<const Value*> inputs;  // of the graph, in its order
    bool empty() const { return nodes.empty() && inputs.empty(); }
  };
  Match find(const Selector& selector) const;
  /// One match a selector. All patterns are looked for in one pass over the names.
  std::vector<Match> find_all(std::span<const Selector* const> selectors) const;

  /// Every tensor or node that a kSubgraph or kOutside selector names is there.
  bool names_exist(const Selector& selector) const;
  /// For a selector that matches nothing: the node of the user's file that it names and that is gone,
  /// as a sentence, "'bn1' (BatchNormalization) was folded into 'conv1'";
  /// nullopt: there is none.
  std::optional<std::string> gone(const Selector& selector) const;
  /// For a selector that matches nothing, not even what is gone: what is wrong with it, and the nearest that
  /// exists.
  std::string why_nothing(const Selector& selector) const;

 private:
  struct Target {
    const Node* node = nullptr;  // exactly one of the two
    const Value* input = nullptr;
    std::size_t position = 0;  // inputs first, then nodes, in the graph's order
  };
  using Targets = std::vector<Target>;
  /// A path ("backbone.layer1.Conv") and what it names.
  struct Entry {
    std::string first;
    Target second;
    std::string name = {};    // where a dot of the path can be part of a scope's own name: as the file has it
    bool as_module = false;   // the name of a module in its program, beside the path
    bool has_module = false;  // a path beside which there is such an entry
  };

  struct PatternTargets;
  class Absent;

  void add(std::string_view name, const Target& target);
  void find_path(const std::string& path, Targets& found) const;
  void find_scope(std::string_view text, Targets& found) const;
  void find_scope(const std::string& path, bool as_module, Targets& found) const;
  void find_patterns(const std::vector<std::string_view>& patterns, std::vector<Targets>& found) const;
  Targets find_without_pattern(const Selector& selector) const;
  Targets find_types(std::string_view text) const;
  Targets find_class(std::string_view op_class) const;
  Targets find_before(const Selector& selector) const;
  Targets find_between(const Selector& selector) const;
  Targets find_outside(const Selector& selector) const;
  std::vector<const Value*> values_called(const std::string& name) const;
  std::optional<std::string> gone_reader_of(const std::string& path) const;
  std::string operator_called(const std::string& word) const;
  std::string nearly(std::string_view pattern) const;
  std::string no_name(const std::string& name, bool whole) const;
  std::vector<std::string> candidates(bool scopes) const;
  static Match match_of(Targets found);
  std::vector<const Value*> sources_of(const Node& node) const;
  const Value* outside(const Value* value) const;

  const Model& model_;
  const DataFlow* flow_;
  std::vector<const Node*> nodes_;                      // each after all that it reads
  std::unordered_map<const Value*, const Value*> fed_;  // what enters a body: to what that is outside
  std::vector<Entry> entries_;                          // sorted by path
  std::map<std::string, Targets, std::less<>> by_type_;
};

}  // namespace qprep
