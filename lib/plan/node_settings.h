#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"
#include "plan/setting.h"

namespace qprep {

/// The list of settings, folded over the nodes of a model's main graph: for every slot, the settings that
/// speak of it in order of priority; of those that speak of one aspect, the first wins.
class NodeSettings {
 public:
  /// Given: `settings` in order of priority. Adds, at the end, what holds where they say nothing in general.
  explicit NodeSettings(std::vector<Setting> settings);

  /// The setting of this rank speaks of the node (of its slot), or of the value: a graph input, or a constant
  /// in arithmetic. Given: called in ascending order of ranks.
  void speak(std::size_t rank, const Node& node);
  void speak(std::size_t rank, const Node& node, Slot slot);
  void speak(std::size_t rank, const Value& value);
  /// Given: everything was spoken. Result: what a node of the unit wins for itself and not for the unit
  /// counts as lost to the setting that the unit follows.
  void settle(const Unit& unit);
  /// The setting names something that it cannot affect: a node; null: an input, or what is gone.
  void speak_in_vain(std::size_t rank, const Node* node);

  /// The setting that leaves the node float, as if it had no qconfig; null: it is quantised where it can be.
  /// A setting for the precision of its output that comes earlier in the list keeps it quantised; what a
  /// reader says of its input does not: the result of a float node can be quantised for it.
  const Setting* skip(const Node& node) const;

  /// What holds for the precision of the node's output or weight, of a graph input, of what a unit makes
  /// (the result of its last node: the first of the settings of all its nodes), of a constant that the node
  /// reads.
  const Setting& winner(const Node& node, Slot slot) const;
  const Setting& winner(const Value& input) const;
  const Setting& winner(const Unit& unit) const;
  const Setting& winner(const Node& reader, const Value& constant) const;

  /// The same for another aspect; null: nobody speaks of it.
  const Setting* find(const Node& node, Slot slot, Aspect aspect) const;
  const Setting* find(const Value& input, Aspect aspect) const;
  const Setting* find(const Unit& unit, Aspect aspect) const;

  const Setting& tail() const { return settings_[*general(Slot::kTail, Aspect::kPrecision)]; }
  const Setting& high_precision() const {
    return settings_[*general(Slot::kHighPrecision, Aspect::kPrecision)];
  }
  /// What holds for the precision where no setting names a node: of kOutput or kWeight.
  const Setting& fallback(Slot slot) const { return settings_[*general(slot, Aspect::kPrecision)]; }
  /// Of two winners, that of the higher priority. Given: both are references into settings().
  static const Setting& first_of(const Setting& a, const Setting& b) { return &a <= &b ? a : b; }
  static const Setting* first_of(const Setting* a, const Setting* b) {
    return !a ? b : !b ? a : &first_of(*a, *b);
  }

  /// All that speak of the slot, the first one first.
  std::vector<const Setting*> all(const Node& node, Slot slot) const;
  std::vector<const Setting*> all(const Value& input) const;
  /// All that name the node and cannot affect it, the first one first.
  std::vector<const Setting*> in_vain(const Node& node) const;

  /// Of setting `i`: of how many nodes and graph inputs it speaks, for how many it wins, and how many it
  /// names besides that it cannot affect.
  struct Count {
    std::size_t spoken = 0, won = 0, vain = 0;
  };
  const std::vector<Count>& counts() const { return counts_; }
  const std::vector<Setting>& settings() const { return settings_; }
  /// By ranks of a loser and its winner: for how many nodes and inputs.
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> losses() const;
  /// The setting of this rank holds for whatever nobody names, and none before it does.
  bool is_general_winner(std::size_t rank) const;

 private:
  using Rank = std::uint32_t;
  using Ranks = std::vector<Rank>;  // indices of settings, ascending
  using ByNode = std::unordered_map<const Node*, Ranks>;

  static constexpr std::size_t kSlots = 6, kAspects = 5;
  static std::size_t index(Slot slot) { return static_cast<std::size_t>(slot); }
  std::optional<Rank> general(Slot slot, Aspect aspect) const {
    return general_[index(slot)][static_cast<std::size_t>(aspect)];
  }
  const Ranks* named(const Node& node, Slot slot) const;
  const Ranks* named(const Value& value) const;
  std::optional<Rank> first_named(const Ranks* ranks, Aspect aspect) const;
  const Setting* first(const Ranks* ranks, Slot slot, Aspect aspect) const;
  std::vector<const Setting*> with_general(Ranks ranks, Slot slot) const;

  std::vector<Setting> settings_;
  std::array<std::array<std::optional<Rank>, kAspects>, kSlots> general_;
  std::array<ByNode, kSlots> nodes_;
  ByNode in_vain_;
  std::unordered_map<const Value*, Ranks> values_;
  std::vector<Count> counts_;
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> lost_in_units_;  // as losses()
};

}  // namespace qprep
