#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "passes/selection.h"
#include "plan/setting.h"
#include "support/diagnostics.h"

namespace qprep {

/// The list of settings, folded over the nodes of a model's main graph: for every slot, the settings that
/// speak of it in order of priority; the first of them wins.
class NodeSettings {
 public:
  /// Errors in `diagnostics`: a selector that matches nothing. Warnings: a setting that loses everywhere.
  NodeSettings(const Model& model, std::span<const Setting> settings, Diagnostics& diagnostics);

  /// The setting that leaves the node float, as if it had no qconfig; null: it is quantised where it can be.
  /// A setting for its output that comes earlier in the list keeps it quantised.
  const Setting* skip(const Node& node) const;
  /// What holds for the node's output or weight, for a graph input, and for the tail.
  const Setting& winner(const Node& node, Slot slot) const;
  const Setting& winner(const Value& input) const;
  /// For what a unit makes, which is the result of its last node: the first of the settings of all its nodes.
  const Setting& winner(const Unit& unit) const;
  const Setting& tail() const { return settings_[tail_]; }
  /// What holds where no setting names a node: of kOutput or kWeight.
  const Setting& fallback(Slot slot) const { return settings_[slot == Slot::kWeight ? weight_ : output_]; }
  /// Of two winners, that of the higher priority. Given: both are references into settings().
  static const Setting& first_of(const Setting& a, const Setting& b) { return &a <= &b ? a : b; }

  /// All that speak of the slot, the winner first.
  std::vector<const Setting*> all(const Node& node, Slot slot) const;
  std::vector<const Setting*> all(const Value& input) const;

  /// Of setting `i`: of how many nodes and graph inputs it speaks, and for how many it wins.
  struct Count {
    std::size_t spoken = 0, won = 0;
  };
  const std::vector<Count>& counts() const { return counts_; }
  /// Those of the list, then the defaults for the slots of which it says nothing in general.
  const std::vector<Setting>& settings() const { return settings_; }

 private:
  using Ranks = std::vector<std::size_t>;  // indices of settings, ascending

  void apply(std::size_t rank, const Selection& selection, Diagnostics& diagnostics);
  void warn_of_losers(Diagnostics& diagnostics) const;
  const Ranks* ranks(const Node& node, Slot slot) const;

  std::vector<Setting> settings_;
  std::unordered_map<const Node*, Ranks> skips_, outputs_, weights_;
  std::unordered_map<const Value*, Ranks> inputs_;
  std::size_t output_ = 0, weight_ = 0, tail_ = 0;  // the first settings for everything
  std::vector<Count> counts_;
  std::size_t unmatched_ = 0;
};

}  // namespace qprep
