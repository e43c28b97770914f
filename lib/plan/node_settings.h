#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"
#include "plan/setting.h"

namespace qprep {

/// The list of settings, folded over the nodes of a model's main graph: for every slot, the settings that
/// speak of it in order of priority; of those that speak of one aspect, the first wins.
///
/// Settings whose selectors name the same are a group: a node keeps its groups, and not a list of settings,
/// so that a thousand lines for one operator type cost as much as one.
class NodeSettings {
 public:
  using Rank = std::uint32_t;       // index in settings()
  using Ranks = std::vector<Rank>;  // ascending
  using GroupId = std::uint32_t;
  using GroupIds = std::vector<GroupId>;

  /// Given: `settings` in order of priority. Adds, at the end, what holds where they say nothing in general.
  explicit NodeSettings(std::vector<Setting> settings);

  /// Settings that speak of the same slots of the same nodes. Given: ascending ranks, each in one group.
  GroupId add_group(Ranks ranks);
  /// The group speaks of the slot of the node, or of the value: a graph input, or a constant in arithmetic.
  void speak(GroupId group, const Node& node, Slot slot);
  void speak(GroupId group, const Value& value);
  /// The group names something that it cannot affect, and why: a node; null: an input, or what is gone.
  void speak_in_vain(GroupId group, const Node* node, std::string why);

  /// The setting that leaves the node float, as if it had no qconfig; null: it is quantised where it can be.
  /// A setting for the precision of its output that comes earlier in the list keeps it quantised; what a
  /// reader says of its input does not: the result of a float node can be quantised for it.
  const Setting* skip(const Node& node) const;
  /// That earlier setting; null: none leaves the node float, or one does.
  const Setting* keeps_from_skip(const Node& node) const;

  /// What holds for the precision of the node's output or weight, of a graph input, of what a unit makes
  /// (the result of its last node: the first of the settings of all its nodes), of a constant that the node
  /// reads.
  const Setting& winner(const Node& node, Slot slot) const;
  const Setting& winner(const Value& input) const;
  const Setting& winner(const Unit& unit) const;
  const Setting& winner(const Node& reader, const Value& constant) const;
  /// What would hold for the precision of the slot of the nodes together if the place of the configuration
  /// that the winner comes from was not there; null: nothing in the list.
  const Setting* runner_up(std::span<const Node* const> nodes, Slot slot, const Setting& winner) const;

  /// The same for another aspect; null: nobody speaks of it.
  const Setting* find(const Node& node, Slot slot, Aspect aspect) const;
  const Setting* find(const Value& input, Aspect aspect) const;
  const Setting* find(const Unit& unit, Aspect aspect) const;

  const Setting& tail() const { return settings_[*general(Slot::kTail, Aspect::kPrecision)]; }
  const Setting& head() const { return settings_[*general(Slot::kHead, Aspect::kPrecision)]; }
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
  std::vector<const Setting*> all_high_precision() const { return with_general({}, Slot::kHighPrecision); }
  /// All that name the node and cannot affect it, the first one first.
  std::vector<const Setting*> in_vain(const Node& node) const;

  const std::vector<Setting>& settings() const { return settings_; }
  Rank rank_of(const Setting& setting) const { return static_cast<Rank>(&setting - settings_.data()); }
  /// The setting of this rank holds for whatever nobody names, and none before it does.
  bool is_general_winner(std::size_t rank) const;

  /// What a group names that it cannot affect: how much, and why, of the first.
  struct InVain {
    std::size_t times = 0;
    std::string why;
  };
  std::size_t group_count() const { return groups_.size(); }
  const Ranks& ranks_of(GroupId group) const { return groups_[group].ranks; }
  const InVain& in_vain_of(GroupId group) const { return groups_[group].in_vain; }
  /// Those that speak of the slot; null: none does.
  const GroupIds* groups(const Node& node, Slot slot) const;
  const GroupIds* groups(const Value& value) const;
  /// The graph inputs and constants that settings speak of.
  const Numbered<Value, GroupIds>& named_values() const { return values_; }

 private:
  static constexpr std::size_t kSlots = 7, kAspects = std::variant_size_v<Says>;
  using FirstRanks = std::array<std::optional<Rank>, kAspects>;  // by aspect
  struct Group {
    Ranks ranks;
    FirstRanks first;
    InVain in_vain;
  };
  using ByNode = Numbered<Node, GroupIds>;

  static std::size_t index(Slot slot) { return static_cast<std::size_t>(slot); }
  static std::size_t index(Aspect aspect) { return static_cast<std::size_t>(aspect); }
  std::optional<Rank> general(Slot slot, Aspect aspect) const { return general_[index(slot)][index(aspect)]; }
  std::optional<Rank> first_named(const GroupIds* groups, Aspect aspect) const;
  /// The setting that leaves the node float, and the first that keeps it quantised, whichever stands first.
  struct Skip {
    std::optional<Rank> skipping, keeping;
  };
  Skip skip_of(const Node& node) const;
  const Setting* first(const GroupIds* groups, Slot slot, Aspect aspect) const;
  void append(const GroupIds* groups, Ranks& ranks) const;
  std::vector<const Setting*> with_general(Ranks ranks, Slot slot) const;
  std::vector<const Setting*> in_order(Ranks ranks) const;

  std::vector<Setting> settings_;
  std::array<FirstRanks, kSlots> general_;
  std::array<Ranks, kSlots> general_precisions_;  // all of them
  std::vector<Group> groups_;
  std::array<ByNode, kSlots> nodes_;
  ByNode in_vain_;
  Numbered<Value, GroupIds> values_;
};

}  // namespace qprep
