#include "passes/setting_outcomes.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <utility>

#include "ir/walk.h"
#include "passes/data_flow.h"
#include "plan/node_settings.h"

namespace qprep {
namespace {

using Deciders = std::vector<const Setting*>;

/// What was decided of something that settings speak of.
struct Verdict {
  Reason why;
  Precision held = Precision::kFloat32;
};

class Tally {
 public:
  Tally(const Graph& graph, const Plan& plan)
      : graph_(graph), plan_(plan), settings_(*plan.settings), by_group_(settings_.group_count()) {
    outcomes_.resize(settings_.settings().size());
  }

  std::vector<SettingOutcome> run() {
    for (const Node* node : nodes_with_bodies(graph_)) count(*node);
    for (const Value* input : graph_.inputs()) {
      if (!input->initializer()) count_general(verdict_of(*input).why, Slot::kOutput);
    }
    for (const Value* value : graph_.inputs()) count(*value);
    for (const Value* value : graph_.initializers()) {
      if (!value->is_graph_input()) count(*value);
    }
    for (NodeSettings::GroupId group = 0; group < by_group_.size(); ++group) settle(group);
    for (const auto& [pair, times] : overruled_) {
      const auto& [slot, named] = pair;
      const Setting& general = settings_.fallback(slot);
      outcomes_[settings_.rank_of(general)].losses.push_back({named, named->says != general.says, times, ""});
    }
    for (SettingOutcome& outcome : outcomes_) put_in_order(outcome.losses);
    return std::move(outcomes_);
  }

 private:
  /// How often those decided for what a group speaks of.
  struct Times {
    std::size_t times = 0;
    std::string because;
  };
  using ByVerdict = std::map<std::pair<Deciders, Precision>, Times>;

  // ----------------------------------------------------------------------------------------- verdicts

  Verdict verdict_of(const Value& value) const {
    Verdict verdict;
    if (const Decision* decision = plan_.decision_of(value)) verdict.held = decision->spec.precision;
    if (const Reason* why = plan_.reason_of(value)) verdict.why = *why;
    return verdict;
  }

  /// Of a node inside a unit: of what the unit makes. What it says of its results, it says of the constants
  /// that it reads too.
  Verdict verdict_of_results(const Node& node) const {
    const Unit* unit = plan_.unit_of(node);
    const Node& maker = unit ? *unit->nodes.back() : node;
    Verdict verdict;
    for (std::size_t i = 0; i < maker.output_count(); ++i) {
      Verdict result = verdict_of(maker.output(i));
      if (i == 0) {
        verdict = std::move(result);
      } else {
        verdict.why.add(result.why);
      }
    }
    for (const Value* read : node.inputs()) {
      const Decision* decision = read ? plan_.decision_of(*read) : nullptr;
      if (decision && decision->role == Role::kConstant) verdict.why.add(decision->because);
    }
    return verdict;
  }

  Verdict verdict_of_weight(const Node& node) const {
    Verdict verdict{plan_.of(node)->weight_because};
    if (const Value* weight = plan_.weight_read_by(node)) {
      verdict.held = plan_.decision_of(*weight)->spec.precision;
    }
    return verdict;
  }

  // ----------------------------------------------------------------------------------------- counting

  void count(const Node& node) {
    const NodePlan& entry = *plan_.of(node);
    const Verdict results = verdict_of_results(node);
    const Unit* unit = plan_.unit_of(node);
    if (!unit || unit->nodes.back() == &node) count_general(results.why, Slot::kOutput);
    if (!entry.weight_because.empty()) count_general(entry.weight_because, Slot::kWeight);
    add(settings_.groups(node, Slot::kOutput), results, node);
    if (const auto* groups = settings_.groups(node, Slot::kNode)) {
      Verdict whole{entry.device_because, entry.device == Device::kCpu ? Precision::kFloat32 : results.held};
      whole.why.add(results.why);
      add(groups, whole, node);
    }
    if (const auto* groups = settings_.groups(node, Slot::kWeight)) {
      add(groups, verdict_of_weight(node), node);
    }
  }

  void count(const Value& value) {
    const auto* groups = settings_.groups(value);
    if (!groups) return;
    const Verdict verdict = verdict_of(value);
    for (const NodeSettings::GroupId group : *groups)
      add(group, verdict, [&] { return fmt::format("'{}': {}", value.name(), verdict.why.text); });
  }

  void count_general(const Reason& why, Slot slot) {
    const Setting* named = nullptr;
    bool general = false;
    for (const Setting* setting : why.settings) {
      if (!setting->names_nodes()) ++outcomes_[settings_.rank_of(*setting)].won;
      general = general || (!setting->names_nodes() && setting->says_precision());
      if (!named && setting->names_nodes() && setting->says_precision()) named = setting;
    }
    if (named && !general) ++overruled_[{slot, named}];
  }

  void add(const NodeSettings::GroupIds* groups, const Verdict& verdict, const Node& node) {
    if (!groups) return;
    const auto say = [&] {
      const bool named = verdict.why.text.starts_with(name_of(node));
      return named ? verdict.why.text : fmt::format("{}: {}", name_of(node), verdict.why.text);
    };
    for (const NodeSettings::GroupId group : *groups) add(group, verdict, say);
  }

  template <typename Say>
  void add(NodeSettings::GroupId group, const Verdict& verdict, const Say& say) {
    Times& times = by_group_[group][{verdict.why.settings, verdict.held}];
    if (times.times++ == 0) times.because = say();
  }

  // --------------------------------------------------------------------------------------- per setting

  void settle(NodeSettings::GroupId group) {
    for (const NodeSettings::Rank rank : settings_.ranks_of(group)) {
      SettingOutcome& outcome = outcomes_[rank];
      const NodeSettings::InVain& in_vain = settings_.in_vain_of(group);
      outcome.in_vain = in_vain.times;
      outcome.in_vain_because = in_vain.why;
      for (const auto& [verdict, times] : by_group_[group]) {
        const auto& [deciders, held] = verdict;
        settle(settings_.settings()[rank], deciders, held, times, outcome);
      }
    }
  }

  static void settle(const Setting& setting, const Deciders& deciders, Precision held, const Times& times,
                     SettingOutcome& outcome) {
    outcome.spoken += times.times;
    if (std::find(deciders.begin(), deciders.end(), &setting) != deciders.end()) {
      outcome.won += times.times;
      return;
    }
    const Setting* winner = winner_over(setting, deciders);
    const bool granted =
        setting.says_precision() ? setting.precision() == held : winner && winner->says == setting.says;
    outcome.losses.push_back({winner, !granted, times.times, times.because});
  }

  /// Of those that decided, the one that speaks of the same; where the scale is given, or all is float, that
  /// is what an observer loses to. null: a rule.
  static const Setting* winner_over(const Setting& setting, const Deciders& deciders) {
    if (deciders.empty()) return nullptr;
    const auto with = [&](Aspect aspect) {
      return std::find_if(deciders.begin(), deciders.end(),
                          [&](const Setting* each) { return aspect_of(each->says) == aspect; });
    };
    auto found = with(aspect_of(setting.says));
    if (found == deciders.end()) found = with(Aspect::kFixedScale);
    if (found != deciders.end()) return *found;
    const Setting& first = *deciders.front();
    return first.says_precision() && first.precision() == Precision::kFloat32 ? &first : nullptr;
  }

  static void put_in_order(std::vector<SettingOutcome::Loss>& losses) {
    const auto key = [](const SettingOutcome::Loss& loss) {
      return std::tuple(!loss.to, loss.to, loss.denied);
    };
    std::stable_sort(losses.begin(), losses.end(),
                     [&](const auto& a, const auto& b) { return key(a) < key(b); });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < losses.size(); ++i) {
      if (kept > 0 && key(losses[kept - 1]) == key(losses[i])) {
        losses[kept - 1].times += losses[i].times;
      } else {
        if (kept != i) losses[kept] = std::move(losses[i]);
        ++kept;
      }
    }
    losses.resize(kept);
  }

  const Graph& graph_;
  const Plan& plan_;
  const NodeSettings& settings_;
  std::vector<ByVerdict> by_group_;
  std::map<std::pair<Slot, const Setting*>, std::size_t> overruled_;  // what named settings decide
  std::vector<SettingOutcome> outcomes_;
};

}  // namespace

std::vector<SettingOutcome> outcomes_of(const Graph& graph, const Plan& plan) {
  return Tally(graph, plan).run();
}

}  // namespace qprep
