#include "plan/node_settings.h"

#include <algorithm>
#include <utility>

namespace qprep {

NodeSettings::NodeSettings(std::vector<Setting> settings) : settings_(std::move(settings)) {
  const auto speaks = [this](Slot slot) {
    return std::any_of(settings_.begin(), settings_.end(), [slot](const Setting& setting) {
      return setting.slot == slot && !setting.names_nodes() && setting.says_precision();
    });
  };
  const auto otherwise = [&](Slot slot, Precision precision, std::string what) {
    if (!speaks(slot)) settings_.push_back(setting_for_all(slot, precision, {}, std::move(what)));
  };
  otherwise(Slot::kOutput, Precision::kInt8, "int8 activations");
  otherwise(Slot::kWeight, Precision::kInt8, "int8 weights");
  otherwise(Slot::kTail, Precision::kFloat32, "method jit_strip");
  otherwise(Slot::kHead, Precision::kInt8, "head like the rest");
  otherwise(Slot::kHighPrecision, Precision::kFloat32, "high-precision output");
  for (std::size_t rank = 0; rank < settings_.size(); ++rank) {
    const Setting& setting = settings_[rank];
    auto& first = general_[index(setting.slot)][index(aspect_of(setting.says))];
    if (setting.names_nodes()) continue;
    if (!first) first = static_cast<Rank>(rank);
    if (setting.says_precision()) general_precisions_[index(setting.slot)].push_back(static_cast<Rank>(rank));
  }
  for (Setting& setting : settings_) {
    if (setting.repeats_at.line == 0) continue;
    const auto repeated = std::find_if(settings_.begin(), settings_.end(), [&](const Setting& each) {
      return each.where == setting.repeats_at && each.says_precision();
    });
    setting.repeats = repeated == settings_.end() ? nullptr : &*repeated;
  }
}

// ---------------------------------------------------------------------------------------------- building

namespace {

void insert(std::vector<std::uint32_t>& groups, std::uint32_t group) {
  if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
}

}  // namespace

NodeSettings::GroupId NodeSettings::add_group(Ranks ranks) {
  Group group{std::move(ranks), {}, {}};
  for (const Rank rank : group.ranks) {
    auto& first = group.first[index(aspect_of(settings_[rank].says))];
    if (!first) first = rank;
  }
  groups_.push_back(std::move(group));
  return static_cast<GroupId>(groups_.size() - 1);
}

void NodeSettings::speak(GroupId group, const Node& node, Slot slot) {
  insert(nodes_[index(slot)][&node], group);
}

void NodeSettings::speak(GroupId group, const Value& value) { insert(values_[&value], group); }

void NodeSettings::speak_in_vain(GroupId group, const Node* node, std::string why) {
  InVain& in_vain = groups_[group].in_vain;
  if (in_vain.times++ == 0) in_vain.why = std::move(why);
  if (node) insert(in_vain_[node], group);
}

// ---------------------------------------------------------------------------------------------- questions

const NodeSettings::GroupIds* NodeSettings::groups(const Node& node, Slot slot) const {
  const ByNode& table = nodes_[index(slot)];
  const auto at = table.find(&node);
  return at == table.end() ? nullptr : &at->second;
}

const NodeSettings::GroupIds* NodeSettings::groups(const Value& value) const {
  const auto at = values_.find(&value);
  return at == values_.end() ? nullptr : &at->second;
}

std::optional<NodeSettings::Rank> NodeSettings::first_named(const GroupIds* groups, Aspect aspect) const {
  std::optional<Rank> found;
  if (!groups) return found;
  for (const GroupId group : *groups) {
    const std::optional<Rank> rank = groups_[group].first[index(aspect)];
    if (rank && (!found || *rank < *found)) found = rank;
  }
  return found;
}

const Setting* NodeSettings::first(const GroupIds* groups, Slot slot, Aspect aspect) const {
  const std::optional<Rank> by_name = first_named(groups, aspect);
  const std::optional<Rank> for_all = general(slot, aspect);
  if (!by_name && !for_all) return nullptr;
  if (!by_name || !for_all) return &settings_[by_name ? *by_name : *for_all];
  return &settings_[std::min(*by_name, *for_all)];
}

NodeSettings::Skip NodeSettings::skip_of(const Node& node) const {
  Skip skip{first_named(groups(node, Slot::kNode), Aspect::kPrecision), {}};
  if (!skip.skipping) return skip;
  skip.keeping = general(Slot::kOutput, Aspect::kPrecision);
  const GroupIds* of_output = groups(node, Slot::kOutput);
  if (!of_output) return skip;
  for (const GroupId id : *of_output) {
    const Group& group = groups_[id];
    const std::optional<Rank> first = group.first[index(Aspect::kPrecision)];
    const bool keeps = first && settings_[group.ranks.front()].slot == Slot::kOutput;
    if (keeps && (!skip.keeping || *first < *skip.keeping)) skip.keeping = first;
  }
  return skip;
}

const Setting* NodeSettings::skip(const Node& node) const {
  const auto [skipping, keeping] = skip_of(node);
  const bool skips = skipping && (!keeping || *skipping < *keeping);
  return skips ? &settings_[*skipping] : nullptr;
}

const Setting* NodeSettings::keeps_from_skip(const Node& node) const {
  const auto [skipping, keeping] = skip_of(node);
  return skipping && keeping && *keeping < *skipping ? &settings_[*keeping] : nullptr;
}

const Setting& NodeSettings::winner(const Node& node, Slot slot) const {
  return *find(node, slot, Aspect::kPrecision);
}

const Setting& NodeSettings::winner(const Value& input) const { return *find(input, Aspect::kPrecision); }

const Setting& NodeSettings::winner(const Unit& unit) const { return *find(unit, Aspect::kPrecision); }

const Setting& NodeSettings::winner(const Node& reader, const Value& constant) const {
  const std::optional<Rank> by_name = first_named(groups(constant), Aspect::kPrecision);
  const Setting& otherwise = winner(reader, Slot::kOutput);
  return by_name ? first_of(settings_[*by_name], otherwise) : otherwise;
}

const Setting* NodeSettings::runner_up(std::span<const Node* const> nodes, Slot slot,
                                       const Setting& winner) const {
  std::optional<Rank> found;
  const auto look_at = [&](const Ranks& ranks) {
    const auto stays = std::ranges::find_if(ranks, [&](Rank rank) {
      return settings_[rank].says_precision() && settings_[rank].where != winner.where;
    });
    if (stays != ranks.end() && (!found || *stays < *found)) found = *stays;
  };
  look_at(general_precisions_[index(slot)]);
  for (const Node* node : nodes) {
    const GroupIds* speaking = groups(*node, slot);
    if (!speaking) continue;
    for (const GroupId group : *speaking) look_at(groups_[group].ranks);
  }
  return found ? &settings_[*found] : nullptr;
}

const Setting* NodeSettings::find(const Node& node, Slot slot, Aspect aspect) const {
  return first(groups(node, slot), slot, aspect);
}

const Setting* NodeSettings::find(const Value& input, Aspect aspect) const {
  return first(groups(input), Slot::kOutput, aspect);
}

const Setting* NodeSettings::find(const Unit& unit, Aspect aspect) const {
  const Setting* found = nullptr;
  for (const Node* node : unit.nodes) found = first_of(found, find(*node, Slot::kOutput, aspect));
  return found;
}

void NodeSettings::append(const GroupIds* groups, Ranks& ranks) const {
  if (!groups) return;
  for (const GroupId group : *groups) {
    ranks.insert(ranks.end(), groups_[group].ranks.begin(), groups_[group].ranks.end());
  }
}

std::vector<const Setting*> NodeSettings::in_order(Ranks ranks) const {
  std::sort(ranks.begin(), ranks.end());
  std::vector<const Setting*> found;
  for (const Rank rank : ranks) found.push_back(&settings_[rank]);
  return found;
}

std::vector<const Setting*> NodeSettings::with_general(Ranks ranks, Slot slot) const {
  for (std::size_t rank = 0; rank < settings_.size(); ++rank) {
    const Setting& setting = settings_[rank];
    if (setting.slot == slot && !setting.names_nodes()) ranks.push_back(static_cast<Rank>(rank));
  }
  return in_order(std::move(ranks));
}

std::vector<const Setting*> NodeSettings::all(const Node& node, Slot slot) const {
  Ranks ranks;
  append(groups(node, slot), ranks);
  if (slot == Slot::kOutput) append(groups(node, Slot::kNode), ranks);
  return with_general(std::move(ranks), slot);
}

std::vector<const Setting*> NodeSettings::all(const Value& input) const {
  Ranks ranks;
  append(groups(input), ranks);
  return with_general(std::move(ranks), Slot::kOutput);
}

std::vector<const Setting*> NodeSettings::in_vain(const Node& node) const {
  Ranks ranks;
  const auto at = in_vain_.find(&node);
  append(at == in_vain_.end() ? nullptr : &at->second, ranks);
  return in_order(std::move(ranks));
}

bool NodeSettings::is_general_winner(std::size_t rank) const {
  const Setting& setting = settings_[rank];
  return !setting.names_nodes() && general(setting.slot, aspect_of(setting.says)) == rank;
}

}  // namespace qprep
