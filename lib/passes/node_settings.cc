#include "passes/node_settings.h"

#include <algorithm>
#include <fmt/format.h>

#include "support/codes.h"

namespace qprep {
namespace {

/// Enough to see what is wrong with a thousand selectors, and the nearest name of each takes a look at all
/// names.
constexpr std::size_t kMostUnmatched = 20;

bool speaks_for_all(const Setting& setting, Slot slot) {
  return setting.slot == slot && !setting.names_nodes();
}

/// The list, and what holds where it says nothing.
std::vector<Setting> with_defaults(std::span<const Setting> settings) {
  std::vector<Setting> all(settings.begin(), settings.end());
  std::vector<Setting> defaults = {setting_for_all(Slot::kOutput, Precision::kInt8, {}, "int8 activations"),
                                   setting_for_all(Slot::kWeight, Precision::kInt8, {}, "int8 weights"),
                                   setting_for_all(Slot::kTail, Precision::kFloat32, {}, "method jit_strip")};
  for (Setting& otherwise : defaults) {
    const auto same = [&](const Setting& setting) { return speaks_for_all(setting, otherwise.slot); };
    if (std::none_of(all.begin(), all.end(), same)) all.push_back(std::move(otherwise));
  }
  return all;
}

std::size_t first_for_all(const std::vector<Setting>& settings, Slot slot) {
  const auto at = std::find_if(settings.begin(), settings.end(),
                               [slot](const Setting& setting) { return speaks_for_all(setting, slot); });
  return static_cast<std::size_t>(at - settings.begin());
}

}  // namespace

NodeSettings::NodeSettings(const Model& model, std::span<const Setting> settings, Diagnostics& diagnostics)
    : settings_(with_defaults(settings)),
      output_(first_for_all(settings_, Slot::kOutput)),
      weight_(first_for_all(settings_, Slot::kWeight)),
      tail_(first_for_all(settings_, Slot::kTail)),
      counts_(settings_.size()) {
  const bool any_named = std::any_of(settings_.begin(), settings_.end(),
                                     [](const Setting& setting) { return setting.names_nodes(); });
  if (any_named) {
    const Selection selection(model);
    for (std::size_t rank = 0; rank < settings_.size(); ++rank) apply(rank, selection, diagnostics);
    if (unmatched_ > kMostUnmatched) {
      diagnostics.error(codes::kNoMatch,
                        fmt::format("and {} more settings match nothing", unmatched_ - kMostUnmatched));
    }
  }
  warn_of_losers(diagnostics);
}

void NodeSettings::apply(std::size_t rank, const Selection& selection, Diagnostics& diagnostics) {
  const Setting& setting = settings_[rank];
  if (!setting.names_nodes()) return;
  const Selection::Match match = selection.find(setting.selector);
  if (match.empty() && ++unmatched_ <= kMostUnmatched) {
    diagnostics.error(codes::kNoMatch, selection.why_nothing(setting.selector), setting.where);
  }
  const auto speak = [&](Ranks& ranks, std::size_t for_all) {
    ranks.push_back(rank);
    ++counts_[rank].spoken;
    if (ranks.size() == 1 && rank < for_all) ++counts_[rank].won;
  };
  for (const Node* node : match.nodes) {
    switch (setting.slot) {
      case Slot::kNode: {
        const Ranks* named = ranks(*node, Slot::kOutput);
        skips_[node].push_back(rank);
        ++counts_[rank].spoken;
        if (!named && skips_[node].size() == 1 && rank < output_) ++counts_[rank].won;
        break;
      }
      case Slot::kOutput:
        speak(outputs_[node], skips_.contains(node) ? 0 : output_);
        break;
      case Slot::kWeight:
        speak(weights_[node], skips_.contains(node) ? 0 : weight_);
        break;
      case Slot::kInput:
      case Slot::kTail:
      case Slot::kHighPrecision:
        break;
    }
  }
  for (const Value* input : match.inputs) {
    if (setting.slot == Slot::kOutput || setting.slot == Slot::kNode) speak(inputs_[input], output_);
  }
}

/// One warning a line of the configuration, which may have made several settings.
void NodeSettings::warn_of_losers(Diagnostics& diagnostics) const {
  const auto loses = [this](std::size_t rank) {
    const Setting& setting = settings_[rank];
    if (setting.names_nodes()) return counts_[rank].spoken > 0 && counts_[rank].won == 0;
    return rank != output_ && rank != weight_ && rank != tail_;
  };
  // activations.dtype beside default_qat, which takes it over.
  const auto agrees = [this](std::size_t rank) {
    const Setting& setting = settings_[rank];
    return !setting.names_nodes() && setting.slot != Slot::kTail &&
           fallback(setting.slot).says == setting.says;
  };
  for (std::size_t rank = 0; rank < settings_.size(); ++rank) {
    const Setting& setting = settings_[rank];
    const auto same_line = [&](const Setting& other) { return other.where == setting.where; };
    if (setting.where.file.empty() ||
        std::any_of(settings_.begin(), settings_.begin() + static_cast<std::ptrdiff_t>(rank), same_line)) {
      continue;
    }
    bool all_lose = true, all_agree = true;
    for (std::size_t other = rank; other < settings_.size(); ++other) {
      if (!same_line(settings_[other])) continue;
      all_lose = all_lose && loses(other);
      all_agree = all_agree && agrees(other);
    }
    if (!all_lose || all_agree) continue;
    diagnostics.warning(codes::kNeverWins,
                        fmt::format("{} decides nothing: settings above it speak of the same", setting.what),
                        setting.where);
  }
}

const NodeSettings::Ranks* NodeSettings::ranks(const Node& node, Slot slot) const {
  const auto& table = slot == Slot::kNode ? skips_ : slot == Slot::kWeight ? weights_ : outputs_;
  const auto at = table.find(&node);
  return at == table.end() ? nullptr : &at->second;
}

const Setting* NodeSettings::skip(const Node& node) const {
  const Ranks* skips = ranks(node, Slot::kNode);
  if (!skips) return nullptr;
  const Ranks* outputs = ranks(node, Slot::kOutput);
  const std::size_t spoken = std::min(outputs ? outputs->front() : output_, output_);
  return skips->front() < spoken ? &settings_[skips->front()] : nullptr;
}

const Setting& NodeSettings::winner(const Node& node, Slot slot) const {
  const std::size_t for_all = slot == Slot::kWeight ? weight_ : output_;
  const Ranks* named = ranks(node, slot);
  return settings_[named ? std::min(named->front(), for_all) : for_all];
}

const Setting& NodeSettings::winner(const Value& input) const {
  const auto at = inputs_.find(&input);
  return settings_[at == inputs_.end() ? output_ : std::min(at->second.front(), output_)];
}

std::vector<const Setting*> NodeSettings::all(const Value& input) const {
  std::vector<const Setting*> settings;
  const auto named = inputs_.find(&input);
  for (std::size_t rank = 0; rank < settings_.size(); ++rank) {
    const bool names_it =
        named != inputs_.end() && std::ranges::find(named->second, rank) != named->second.end();
    if (names_it || speaks_for_all(settings_[rank], Slot::kOutput)) settings.push_back(&settings_[rank]);
  }
  return settings;
}

const Setting& NodeSettings::winner(const Unit& unit) const {
  const Setting* found = &settings_[output_];
  for (const Node* node : unit.nodes) found = &first_of(*found, winner(*node, Slot::kOutput));
  return *found;
}

std::vector<const Setting*> NodeSettings::all(const Node& node, Slot slot) const {
  std::vector<std::size_t> found;
  if (const Ranks* named = ranks(node, slot)) found = *named;
  if (slot == Slot::kOutput) {
    if (const Ranks* skips = ranks(node, Slot::kNode))
      found.insert(found.end(), skips->begin(), skips->end());
  }
  for (std::size_t rank = 0; rank < settings_.size(); ++rank) {
    if (speaks_for_all(settings_[rank], slot)) found.push_back(rank);
  }
  std::sort(found.begin(), found.end());
  std::vector<const Setting*> settings;
  for (const std::size_t rank : found) settings.push_back(&settings_[rank]);
  return settings;
}

}  // namespace qprep
