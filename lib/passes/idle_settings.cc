#include "passes/idle_settings.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "passes/setting_outcomes.h"
#include "passes/shared_calls.h"
#include "plan/node_settings.h"
#include "support/codes.h"

namespace qprep {
namespace {

class IdleSettings {
 public:
  IdleSettings(const Graph& graph, const Plan& plan)
      : settings_(*plan.settings),
        outcomes_(outcomes_of(graph, plan)),
        shared_calls_(plan),
        groups_(plan.scale_groups),
        one_scale_(plan.one_scale) {}

  /// One warning a place.
  void warn(Diagnostics& diagnostics) const {
    for (const std::vector<std::size_t>& place : by_place()) {
      std::vector<std::size_t> present;
      std::copy_if(place.begin(), place.end(), std::back_inserter(present),
                   [this](std::size_t rank) { return !is_absent(rank); });
      const auto all = [&](auto test) {
        return std::all_of(present.begin(), present.end(),
                           [&](std::size_t rank) { return (this->*test)(rank); });
      };
      if (present.empty() || !all(&IdleSettings::loses) || all(&IdleSettings::agrees)) continue;
      const Setting& setting = settings()[place.front()];
      if (all(&IdleSettings::is_in_vain)) {
        diagnostics.warning(
            codes::kNoEffect,
            fmt::format("{} has no effect: {}", setting.what, outcomes_[present.front()].in_vain_because),
            setting.where);
      } else if (const std::string why = why_denied(present); !why.empty()) {
        diagnostics.warning(codes::kNeverWins, fmt::format("{} decides nothing: {}", setting.what, why),
                            setting.where);
      }
    }
  }

 private:
  const std::vector<Setting>& settings() const { return settings_.settings(); }

  static bool says_share(const Setting& setting) {
    const auto* shared = std::get_if<SharedScale>(&setting.says);
    return shared && shared->value && setting.names_nodes();
  }

  static bool says_same_scale(const Setting& setting) {
    const auto* same = std::get_if<SameScale>(&setting.says);
    return same && same->value && setting.names_nodes();
  }
  bool joins_scales(const Setting& setting) const {
    return std::any_of(groups_.begin(), groups_.end(), [&](const ScaleGroup& group) {
      return group.asked_by == &setting && group.members.size() > 1;
    });
  }

  /// A scale for each channel, of activations that nobody names.
  static bool asks_for_channels(const Setting& setting) {
    const auto* per_channel = std::get_if<PerChannel>(&setting.says);
    return per_channel && per_channel->value && setting.slot == Slot::kOutput && !setting.names_nodes();
  }

  bool loses(std::size_t rank) const {
    if (asks_for_channels(settings()[rank]) && outcomes_[rank].won == 0) return true;
    if (says_same_scale(settings()[rank])) return !joins_scales(settings()[rank]);
    if (says_share(settings()[rank])) return !shared_calls_.has_effect(settings()[rank]);
    const auto& losses = outcomes_[rank].losses;
    if (!settings()[rank].names_nodes() && !settings_.is_general_winner(rank)) return true;
    return outcomes_[rank].won == 0 && (settings()[rank].names_nodes() || !losses.empty());
  }
  /// It may match nothing, and does.
  bool is_absent(std::size_t rank) const {
    return settings()[rank].names_nodes() && outcomes_[rank].spoken + outcomes_[rank].in_vain == 0;
  }
  bool is_in_vain(std::size_t rank) const {
    return settings()[rank].names_nodes() && outcomes_[rank].spoken == 0 && outcomes_[rank].in_vain > 0;
  }
  /// activations.dtype beside default_qat, which takes it over.
  bool agrees(std::size_t rank) const {
    const Setting& setting = settings()[rank];
    if (setting.names_nodes() || setting.slot == Slot::kTail || setting.slot == Slot::kHead) return false;
    if (settings_.is_general_winner(rank) && loses(rank)) return setting.implied;
    if (asks_for_channels(setting) && loses(rank)) return false;
    return !setting.says_precision() || settings_.fallback(setting.slot).says == setting.says;
  }

  /// The settings that one place of the configuration made, not necessarily one after the other.
  std::vector<std::vector<std::size_t>> by_place() const {
    std::vector<std::vector<std::size_t>> groups;
    std::map<std::tuple<std::string_view, int, int>, std::size_t> known;
    for (std::size_t rank = 0; rank < settings().size(); ++rank) {
      const Where& where = settings()[rank].where;
      if (where.file.empty() || settings()[rank].of_target) continue;
      const auto [at, is_new] =
          known.emplace(std::tuple(std::string_view(where.file), where.line, where.column), groups.size());
      if (is_new) groups.emplace_back();
      groups[at->second].push_back(rank);
    }
    return groups;
  }

  /// What most often decides otherwise than the settings of a place say, as the end of a sentence; empty: all
  /// is as they say, by whatever decides it.
  std::string why_denied(const std::vector<std::size_t>& place) const {
    for (const std::size_t rank : place) {
      if (says_share(settings()[rank])) return shared_calls_.why_idle(settings()[rank]);
      if (says_same_scale(settings()[rank])) {
        return "it names no active operator whose result is observed and which reads a tensor that is "
               "quantised alike";
      }
    }
    for (const std::size_t rank : place) {
      const std::string why = why_one_scale(settings()[rank]);
      if (!why.empty()) return why;
    }
    const SettingOutcome::Loss* most = nullptr;
    const Setting* loser = nullptr;
    bool any_loss = false;
    for (const std::size_t rank : place) {
      for (const SettingOutcome::Loss& loss : outcomes_[rank].losses) {
        any_loss = true;
        if (!loss.denied || (most && loss.times <= most->times)) continue;
        most = &loss;
        loser = &settings()[rank];
      }
    }
    if (most && gives_scale(most->to, *loser)) {
      return to_text(*most->to) + " gives the scale, so that nothing is observed";
    }
    if (most && !is_above(most->to, *loser)) return most->because;
    const Setting* rival = most ? most->to : any_loss ? nullptr : general_rival_of(place);
    if (rival) return to_text(*rival) + " stands above it and speaks of the same";
    return any_loss ? "" : "settings above it speak of the same";
  }

  /// Why no tensor has the scale for each channel that the setting asks for; empty: it asks none for it.
  std::string why_one_scale(const Setting& setting) const {
    const auto asked = [&](const OneScale& each) { return each.asked_by == &setting; };
    const auto first = std::ranges::find_if(one_scale_, asked);
    if (first != one_scale_.end()) {
      const auto others = std::ranges::count_if(one_scale_, asked) - 1;
      return fmt::format("'{}' has one scale, since {}{}", first->value->name(), first->because,
                         others > 0 ? fmt::format("; and {} more have", others) : "");
    }
    return asks_for_channels(setting) && settings_.is_general_winner(settings_.rank_of(setting))
               ? "no activation is quantised that could have a scale for each channel"
               : "";
  }

  static bool gives_scale(const Setting* winner, const Setting& loser) {
    const auto is_fixed = [](const Setting& each) { return aspect_of(each.says) == Aspect::kFixedScale; };
    return winner && is_fixed(*winner) && !is_fixed(loser);
  }

  static bool is_above(const Setting* winner, const Setting& loser) {
    return winner && winner < &loser && aspect_of(winner->says) == aspect_of(loser.says);
  }

  /// Of the settings for whatever nobody names, the first that says something else of the same.
  const Setting* general_rival_of(const std::vector<std::size_t>& place) const {
    for (const std::size_t each : place) {
      const Setting& loser = settings()[each];
      for (std::size_t rank = 0; rank < each && !loser.names_nodes(); ++rank) {
        const Setting& above = settings()[rank];
        const bool of_the_same = !above.names_nodes() && above.slot == loser.slot &&
                                 aspect_of(above.says) == aspect_of(loser.says);
        if (of_the_same && above.says != loser.says) return &above;
      }
    }
    return nullptr;
  }

  const NodeSettings& settings_;
  std::vector<SettingOutcome> outcomes_;
  SharedCalls shared_calls_;
  const std::vector<ScaleGroup>& groups_;
  const std::vector<OneScale>& one_scale_;
};

}  // namespace

void warn_of_idle_settings(const Graph& graph, const Plan& plan, Diagnostics& diagnostics) {
  const bool by_user = std::ranges::any_of(plan.settings->settings(), [](const Setting& setting) {
    return !setting.where.file.empty() && !setting.of_target;
  });
  if (by_user) IdleSettings(graph, plan).warn(diagnostics);
}

}  // namespace qprep
