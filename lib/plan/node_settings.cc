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
  otherwise(Slot::kHighPrecision, Precision::kFloat32, "high-precision output");
  counts_.resize(settings_.size());
  for (std::size_t rank = 0; rank < settings_.size(); ++rank) {
    const Setting& setting = settings_[rank];
    auto& first = general_[index(setting.slot)][static_cast<std::size_t>(aspect_of(setting.says))];
    if (!setting.names_nodes() && !first) first = static_cast<Rank>(rank);
  }
}

// ---------------------------------------------------------------------------------------------- building

void NodeSettings::speak(std::size_t rank, const Node& node) { speak(rank, node, settings_[rank].slot); }

void NodeSettings::speak(std::size_t rank, const Node& node, Slot slot) {
  Ranks& ranks = nodes_[index(slot)][&node];
  if (!ranks.empty() && ranks.back() == rank) return;
  const Aspect aspect = aspect_of(settings_[rank].says);
  const bool is_first = !first_named(&ranks, aspect);
  ranks.push_back(static_cast<Rank>(rank));
  ++counts_[rank].spoken;
  if (!is_first) return;
  if (slot == Slot::kNode) {
    counts_[rank].won += skip(node) == &settings_[rank];
  } else {
    const bool skipped = slot == Slot::kWeight && skip(node);
    counts_[rank].won += !skipped && first(&ranks, slot, aspect) == &settings_[rank];
  }
}

void NodeSettings::speak(std::size_t rank, const Value& value) {
  Ranks& ranks = values_[&value];
  if (!ranks.empty() && ranks.back() == rank) return;
  ranks.push_back(static_cast<Rank>(rank));
  ++counts_[rank].spoken;
  counts_[rank].won += first(&ranks, Slot::kOutput, aspect_of(settings_[rank].says)) == &settings_[rank];
}

void NodeSettings::speak_in_vain(std::size_t rank, const Node* node) {
  ++counts_[rank].vain;
  if (node) in_vain_[node].push_back(static_cast<Rank>(rank));
}

// ---------------------------------------------------------------------------------------------- questions

std::vector<const Setting*> NodeSettings::in_vain(const Node& node) const {
  std::vector<const Setting*> found;
  const auto at = in_vain_.find(&node);
  if (at == in_vain_.end()) return found;
  for (const Rank rank : at->second) found.push_back(&settings_[rank]);
  return found;
}

const NodeSettings::Ranks* NodeSettings::named(const Node& node, Slot slot) const {
  const ByNode& table = nodes_[index(slot)];
  const auto at = table.find(&node);
  return at == table.end() ? nullptr : &at->second;
}

const NodeSettings::Ranks* NodeSettings::named(const Value& value) const {
  const auto at = values_.find(&value);
  return at == values_.end() ? nullptr : &at->second;
}

std::optional<NodeSettings::Rank> NodeSettings::first_named(const Ranks* ranks, Aspect aspect) const {
  if (!ranks) return std::nullopt;
  const auto at = std::find_if(ranks->begin(), ranks->end(),
                               [&](Rank rank) { return aspect_of(settings_[rank].says) == aspect; });
  return at == ranks->end() ? std::nullopt : std::optional(*at);
}

const Setting* NodeSettings::first(const Ranks* ranks, Slot slot, Aspect aspect) const {
  const std::optional<Rank> by_name = first_named(ranks, aspect);
  const std::optional<Rank> for_all = general(slot, aspect);
  if (!by_name && !for_all) return nullptr;
  if (!by_name || !for_all) return &settings_[by_name ? *by_name : *for_all];
  return &settings_[std::min(*by_name, *for_all)];
}

const Setting* NodeSettings::skip(const Node& node) const {
  const Ranks* skips = named(node, Slot::kNode);
  if (!skips) return nullptr;
  const Rank skipping = skips->front();
  const auto keeps = [&](Rank rank) {
    const Setting& setting = settings_[rank];
    return rank < skipping && setting.slot == Slot::kOutput && setting.says_precision();
  };
  const Ranks* outputs = named(node, Slot::kOutput);
  if (outputs && std::any_of(outputs->begin(), outputs->end(), keeps)) return nullptr;
  const std::optional<Rank> for_all = general(Slot::kOutput, Aspect::kPrecision);
  return for_all && *for_all < skipping ? nullptr : &settings_[skipping];
}

const Setting& NodeSettings::winner(const Node& node, Slot slot) const {
  return *find(node, slot, Aspect::kPrecision);
}

const Setting& NodeSettings::winner(const Value& input) const { return *find(input, Aspect::kPrecision); }

const Setting& NodeSettings::winner(const Unit& unit) const { return *find(unit, Aspect::kPrecision); }

const Setting& NodeSettings::winner(const Node& reader, const Value& constant) const {
  const std::optional<Rank> by_name = first_named(named(constant), Aspect::kPrecision);
  const Setting& otherwise = winner(reader, Slot::kOutput);
  return by_name ? first_of(settings_[*by_name], otherwise) : otherwise;
}

const Setting* NodeSettings::find(const Node& node, Slot slot, Aspect aspect) const {
  return first(named(node, slot), slot, aspect);
}

const Setting* NodeSettings::find(const Value& input, Aspect aspect) const {
  return first(named(input), Slot::kOutput, aspect);
}

const Setting* NodeSettings::find(const Unit& unit, Aspect aspect) const {
  const Setting* found = nullptr;
  for (const Node* node : unit.nodes) found = first_of(found, find(*node, Slot::kOutput, aspect));
  return found;
}

std::vector<const Setting*> NodeSettings::with_general(Ranks ranks, Slot slot) const {
  for (std::size_t rank = 0; rank < settings_.size(); ++rank) {
    const Setting& setting = settings_[rank];
    if (setting.slot == slot && !setting.names_nodes()) ranks.push_back(static_cast<Rank>(rank));
  }
  std::sort(ranks.begin(), ranks.end());
  std::vector<const Setting*> found;
  for (const Rank rank : ranks) found.push_back(&settings_[rank]);
  return found;
}

std::vector<const Setting*> NodeSettings::all(const Node& node, Slot slot) const {
  Ranks ranks;
  if (const Ranks* by_name = named(node, slot)) ranks = *by_name;
  if (const Ranks* skips = slot == Slot::kOutput ? named(node, Slot::kNode) : nullptr) {
    ranks.insert(ranks.end(), skips->begin(), skips->end());
  }
  return with_general(std::move(ranks), slot);
}

std::vector<const Setting*> NodeSettings::all(const Value& input) const {
  const Ranks* by_name = named(input);
  return with_general(by_name ? *by_name : Ranks(), Slot::kOutput);
}

void NodeSettings::settle(const Unit& unit) {
  if (unit.nodes.size() < 2) return;
  for (std::size_t i = 0; i < kAspects; ++i) {
    const auto aspect = static_cast<Aspect>(i);
    const Setting* of_unit = find(unit, aspect);
    for (const Node* node : unit.nodes) {
      const Setting* own = find(*node, Slot::kOutput, aspect);
      if (!own || own == of_unit || !own->names_nodes() || own->says == of_unit->says) continue;
      const auto rank = static_cast<std::size_t>(own - settings_.data());
      --counts_[rank].won;
      ++lost_in_units_[{rank, static_cast<std::size_t>(of_unit - settings_.data())}];
    }
  }
}

std::map<std::pair<std::size_t, std::size_t>, std::size_t> NodeSettings::losses() const {
  std::unordered_map<std::uint64_t, std::size_t> times;  // by loser and winner
  constexpr int kHalf = 32;
  const auto count = [&](const Ranks& ranks, const auto& winner_of) {
    for (const Rank rank : ranks) {
      const Setting* winner = winner_of(settings_[rank]);
      const auto won = static_cast<std::size_t>(winner - settings_.data());
      if (winner && won != rank) ++times[std::uint64_t{rank} << kHalf | won];
    }
  };
  for (const Slot slot : {Slot::kNode, Slot::kWeight, Slot::kOutput}) {
    for (const auto& [node, ranks] : nodes_[index(slot)]) {
      const Setting* skipped = skip(*node);
      count(ranks, [&, node = node, &ranks = ranks](const Setting& setting) -> const Setting* {
        if (skipped && slot != Slot::kOutput) return skipped;
        if (slot == Slot::kNode) return find(*node, Slot::kOutput, Aspect::kPrecision);
        return first(&ranks, slot, aspect_of(setting.says));
      });
    }
  }
  for (const auto& [value, ranks] : values_) {
    count(ranks, [&, &ranks = ranks](const Setting& setting) {
      return first(&ranks, Slot::kOutput, aspect_of(setting.says));
    });
  }
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> lost = lost_in_units_;
  for (const auto& [pair, count_of_pair] : times) {
    lost[{static_cast<std::size_t>(pair >> kHalf), static_cast<std::size_t>(pair & 0xFFFFFFFFU)}] +=
        count_of_pair;
  }
  return lost;
}

bool NodeSettings::is_general_winner(std::size_t rank) const {
  const Setting& setting = settings_[rank];
  return !setting.names_nodes() && general(setting.slot, aspect_of(setting.says)) == rank;
}

}  // namespace qprep
