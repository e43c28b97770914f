#include "passes/fold_settings.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "passes/selection.h"
#include "passes/weight_decisions.h"
#include "support/codes.h"

namespace qprep {
namespace {

/// Enough to see what is wrong with a thousand selectors, and the nearest name of each takes a look at all
/// names.
constexpr std::size_t kMostUnmatched = 20;

class Fold {
 public:
  Fold(std::span<const Setting> settings, const DataFlow& flow, const Plan& plan, Diagnostics& diagnostics)
      : result_(std::make_shared<NodeSettings>(std::vector<Setting>(settings.begin(), settings.end()))),
        flow_(flow),
        plan_(plan),
        diagnostics_(diagnostics),
        in_vain_(result_->settings().size()) {}

  std::shared_ptr<const NodeSettings> run(const Model& model) {
    std::vector<std::size_t> ranks;
    std::vector<const Selector*> selectors;
    for (std::size_t rank = 0; rank < settings().size(); ++rank) {
      if (!settings()[rank].names_nodes()) continue;
      ranks.push_back(rank);
      selectors.push_back(&settings()[rank].selector);
    }
    if (!ranks.empty()) {
      const Selection selection(model, &flow_);
      const std::vector<Selection::Match> matches = selection.find_all(selectors);
      for (std::size_t i = 0; i < ranks.size(); ++i) apply(ranks[i], matches[i], selection);
      if (unmatched_ > kMostUnmatched) {
        diagnostics_.error(codes::kNoMatch,
                           fmt::format("and {} more settings match nothing", unmatched_ - kMostUnmatched));
      }
    }
    for (const Unit& unit : plan_.units) result_->settle(unit);
    warn();
    return result_;
  }

 private:
  const std::vector<Setting>& settings() const { return result_->settings(); }

  void apply(std::size_t rank, const Selection::Match& match, const Selection& selection) {
    const Setting& setting = settings()[rank];
    if (match.empty()) miss(rank, selection);
    for (const Value* input : match.inputs) {
      if (setting.slot == Slot::kOutput || setting.slot == Slot::kNode) {
        result_->speak(rank, *input);
      } else {
        vain(rank, fmt::format("graph input '{}' has no {}", input->name(), to_text(setting.slot)), nullptr);
      }
    }
    std::vector<const Node*> without_input;
    for (const Node* node : match.nodes) {
      if (setting.slot == Slot::kInput && setting.input && *setting.input >= node->input_count()) {
        without_input.push_back(node);
      } else if (setting.slot == Slot::kInput) {
        apply_to_inputs(rank, *node);
      } else if (std::string why = unaffected(*node, setting.slot); why.empty()) {
        result_->speak(rank, *node);
      } else {
        vain(rank, std::move(why), node);
      }
    }
    if (!without_input.empty()) refuse_input(setting, without_input);
  }

  /// Given: none of the nodes has the input of the setting.
  void refuse_input(const Setting& setting, const std::vector<const Node*>& nodes) {
    const Node& first = *nodes.front();
    const std::string others = nodes.size() > 1
                                   ? fmt::format("; nor {} {} more that it names",
                                                 nodes.size() == 2 ? "has" : "have", nodes.size() - 1)
                                   : "";
    diagnostics_.error(codes::kNoMatch,
                       fmt::format("{} has no input {}; it has {}{}", name_of(first), *setting.input,
                                   first.input_count(), others),
                       setting.where);
  }

  void miss(std::size_t rank, const Selection& selection) {
    const Setting& setting = settings()[rank];
    if (std::optional<std::string> gone = selection.gone(setting.selector)) {
      vain(rank, std::move(*gone), nullptr);
    } else if (!setting.selector.optional && is_first_of_its_line(setting) &&
               ++unmatched_ <= kMostUnmatched) {
      diagnostics_.error(codes::kNoMatch, selection.why_nothing(setting.selector), setting.where);
    }
  }

  /// What a line says of the input, the weight and the output of a name that is none, is wrong once.
  bool is_first_of_its_line(const Setting& setting) {
    const Where& where = setting.where;
    const auto same = [&](const Setting* each) {
      return each->where.line == where.line && each->where.file == where.file &&
             each->selector == setting.selector;
    };
    if (std::any_of(refused_.begin(), refused_.end(), same)) return false;
    if (refused_.size() < kMostUnmatched) refused_.push_back(&setting);
    return true;
  }

  void vain(std::size_t rank, std::string why, const Node* node) {
    result_->speak_in_vain(rank, node);
    if (in_vain_[rank].empty()) in_vain_[rank] = std::move(why);
  }

  static bool is_no_float(const Value& value) {
    const Type& type = value.type();
    return type.kind == Type::Kind::kTensor && type.dtype != DType::kUndefined && !is_floating(type.dtype);
  }

  /// Whether no result is of floats; of the whole node, nothing that it reads as data either.
  bool has_no_floats(const Node& node, Slot slot) const {
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      if (!node.output(i).name().empty() && !is_no_float(node.output(i))) return false;
    }
    for (std::size_t i = 0; slot == Slot::kNode && i < node.input_count(); ++i) {
      if (node.input(i) && flow_.traits(node).is_data(i) && !is_no_float(*node.input(i))) return false;
    }
    return node.output_count() > 0;
  }

  /// Why nothing can be settled for the slot of the node; empty: it can.
  std::string unaffected(const Node& node, Slot slot) const {
    const OpTraits& traits = flow_.traits(node);
    if (slot == Slot::kWeight) {
      const bool has = traits.weight && weight_of(flow_, node, *traits.weight);
      return has ? "" : fmt::format("{} has no weight that is quantised", name_of(node));
    }
    if (has_no_floats(node, slot)) return fmt::format("{} makes no floats to quantise", name_of(node));
    switch (traits.op_class) {
      case OpClass::kPassive:
        return fmt::format("{} hands on what it reads, with its scale", name_of(node));
      case OpClass::kInteger:
        return slot == Slot::kNode ? "" : fmt::format("{} makes no floats to quantise", name_of(node));
      case OpClass::kQuantised:
        return fmt::format("{} carries scales of its own", name_of(node));
      case OpClass::kGemmLike:
      case OpClass::kActive:
      case OpClass::kFloat:
        return "";
    }
    return "";
  }

  void apply_to_inputs(std::size_t rank, const Node& node) {
    const Setting& setting = settings()[rank];
    const OpTraits& traits = flow_.traits(node);
    bool any = false;
    std::string why;
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      if (!node.input(i) || (setting.input ? *setting.input != i : !traits.is_data(i))) continue;
      const bool weight = weight_of(flow_, node, i) != nullptr;
      if (weight && !setting.input) continue;
      std::string objection = traits.is_data(i)
                                  ? apply_to_input(rank, node, i, weight)
                                  : fmt::format("input {} of {} carries no data", i, name_of(node));
      any = any || objection.empty();
      if (why.empty()) why = std::move(objection);
    }
    if (!any) vain(rank, why.empty() ? fmt::format("{} has no input with data", name_of(node)) : why, &node);
  }

  /// Result: the setting speaks of whoever made what enters there. Why it cannot; empty: it does.
  std::string apply_to_input(std::size_t rank, const Node& node, std::size_t input, bool weight) {
    if (weight) {
      result_->speak(rank, node, Slot::kWeight);
      return "";
    }
    const Value& root = *flow_.of(*node.input(input)).root;
    const Node* maker = root.producer();
    const int unit = unit_of(node);
    if (is_no_float(root))
      return fmt::format("input {} of {} has no floats to quantise", input, name_of(node));
    if (unit >= 0 && plan_.units[static_cast<std::size_t>(unit)].bias == &root) {
      return fmt::format("input {} of {} is a bias", input, name_of(node));
    }
    if (!maker || is_constant(root)) {
      result_->speak(rank, root);
      return "";
    }
    if (unit >= 0 && unit == unit_of(*maker)) {
      return fmt::format("'{}' stays inside the unit of {}", root.name(), name_of(node));
    }
    std::string why = unaffected(*maker, Slot::kOutput);
    if (why.empty()) result_->speak(rank, *maker, Slot::kOutput);
    return why;
  }

  int unit_of(const Node& node) const {
    const NodePlan* entry = plan_.of(node);
    return entry ? entry->unit : -1;
  }

  bool loses(std::size_t rank) const {
    const auto& count = result_->counts()[rank];
    if (settings()[rank].names_nodes()) return count.won == 0;
    return !result_->is_general_winner(rank);
  }
  /// It may match nothing, and does.
  bool is_absent(std::size_t rank) const {
    const auto& count = result_->counts()[rank];
    return settings()[rank].names_nodes() && count.spoken + count.vain == 0;
  }
  bool is_vain(std::size_t rank) const {
    return settings()[rank].names_nodes() && result_->counts()[rank].spoken == 0 && !in_vain_[rank].empty();
  }
  /// activations.dtype beside default_qat, which takes it over.
  bool agrees(std::size_t rank) const {
    const Setting& setting = settings()[rank];
    if (setting.names_nodes() || setting.slot == Slot::kTail) return false;
    return !setting.says_precision() || result_->fallback(setting.slot).says == setting.says;
  }

  /// The settings that one place of the configuration made, not necessarily one after the other.
  std::vector<std::vector<std::size_t>> by_place() const {
    std::vector<std::vector<std::size_t>> groups;
    std::map<std::tuple<std::string_view, int, int>, std::size_t> known;
    for (std::size_t rank = 0; rank < settings().size(); ++rank) {
      const Where& where = settings()[rank].where;
      if (where.file.empty()) continue;
      const auto [at, is_new] =
          known.emplace(std::tuple(std::string_view(where.file), where.line, where.column), groups.size());
      if (is_new) groups.emplace_back();
      groups[at->second].push_back(rank);
    }
    return groups;
  }

  /// What wins over the settings of a place and says something else, as the end of a sentence; empty: all
  /// that win say the same, so that nothing is lost.
  std::string rival_of(const std::vector<std::size_t>& place) {
    if (!losses_) losses_ = result_->losses();
    std::optional<std::size_t> rival;
    std::size_t most = 0;
    bool loses_to_named = false;
    for (const std::size_t loser : place) {
      for (auto at = losses_->lower_bound({loser, 0}); at != losses_->end() && at->first.first == loser;
           ++at) {
        const auto [winner, times] = std::pair(at->first.second, at->second);
        loses_to_named = true;
        if (times <= most || settings()[loser].says == settings()[winner].says) continue;
        rival = winner;
        most = times;
      }
    }
    if (!rival && loses_to_named) return "";
    if (!rival) rival = general_rival_of(place);
    if (!rival) return "settings above it speak of the same";
    return to_text(settings()[*rival]) + " stands above it and speaks of the same";
  }

  /// Of the settings for whatever nobody names, the first that says something else of the same.
  std::optional<std::size_t> general_rival_of(const std::vector<std::size_t>& place) const {
    for (const std::size_t each : place) {
      const Setting& loser = settings()[each];
      for (std::size_t rank = 0; rank < each && !loser.names_nodes(); ++rank) {
        const Setting& above = settings()[rank];
        const bool of_the_same = !above.names_nodes() && above.slot == loser.slot &&
                                 aspect_of(above.says) == aspect_of(loser.says);
        if (of_the_same && above.says != loser.says) return rank;
      }
    }
    return std::nullopt;
  }

  /// One warning a place.
  void warn() {
    for (const std::vector<std::size_t>& place : by_place()) {
      bool all_absent = true, all_lose = true, all_agree = true, all_vain = true;
      for (const std::size_t each : place) {
        if (is_absent(each)) continue;
        all_absent = false;
        all_lose = all_lose && loses(each);
        all_agree = all_agree && agrees(each);
        all_vain = all_vain && is_vain(each);
      }
      if (all_absent || !all_lose || all_agree) continue;
      const std::size_t rank = place.front();
      const Setting& setting = settings()[rank];
      if (all_vain) {
        diagnostics_.warning(codes::kNoEffect,
                             fmt::format("{} has no effect: {}", setting.what, in_vain_[rank]),
                             setting.where);
      } else if (const std::string rival = rival_of(place); !rival.empty()) {
        diagnostics_.warning(codes::kNeverWins, fmt::format("{} decides nothing: {}", setting.what, rival),
                             setting.where);
      }
    }
  }

  std::shared_ptr<NodeSettings> result_;
  const DataFlow& flow_;
  const Plan& plan_;
  Diagnostics& diagnostics_;
  std::vector<std::string> in_vain_;  // by rank: the first reason
  std::optional<std::map<std::pair<std::size_t, std::size_t>, std::size_t>> losses_;
  std::vector<const Setting*> refused_;  // those that match nothing, as far as they are told
  std::size_t unmatched_ = 0;
};

}  // namespace

std::shared_ptr<const NodeSettings> fold_settings(const Model& model, std::span<const Setting> settings,
                                                  const DataFlow& flow, const Plan& plan,
                                                  Diagnostics& diagnostics) {
  return Fold(settings, flow, plan, diagnostics).run(model);
}

}  // namespace qprep
