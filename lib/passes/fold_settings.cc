#include "passes/fold_settings.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "passes/selection.h"
#include "passes/weight_decisions.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

/// Enough to see what is wrong with a thousand selectors, and the nearest name of each takes a look at all
/// names.
constexpr std::size_t kMostUnmatched = 20;

/// Settings whose selectors name the same slots of the same nodes.
using Alike = NodeSettings::Ranks;

std::vector<Alike> alike(const std::vector<Setting>& settings) {
  using Key = std::tuple<Selector::Kind, std::string, std::vector<std::string>, std::vector<std::string>,
                         bool, Slot, std::optional<std::size_t>, bool>;
  std::map<Key, std::size_t> known;
  std::vector<Alike> groups;
  for (std::size_t rank = 0; rank < settings.size(); ++rank) {
    const Setting& each = settings[rank];
    if (!each.names_nodes()) continue;
    const Selector& of = each.selector;
    const auto [at, is_new] = known.emplace(
        Key{of.kind, of.text, of.from, of.to, of.optional, each.slot, each.input, each.says_precision()},
        groups.size());
    if (is_new) groups.emplace_back();
    groups[at->second].push_back(static_cast<NodeSettings::Rank>(rank));
  }
  return groups;
}

class Fold {
 public:
  Fold(std::span<const Setting> settings, const DataFlow& flow, const Plan& plan, Diagnostics& diagnostics)
      : result_(std::make_shared<NodeSettings>(std::vector<Setting>(settings.begin(), settings.end()))),
        flow_(flow),
        plan_(plan),
        diagnostics_(diagnostics) {}

  std::shared_ptr<const NodeSettings> run(const Model& model) {
    std::vector<Alike> groups = alike(settings());
    if (groups.empty()) return result_;
    std::vector<const Selector*> selectors;
    for (const Alike& ranks : groups) selectors.push_back(&settings()[ranks.front()].selector);
    const Selection selection(model, &flow_);
    const std::vector<Selection::Match> matches = selection.find_all(selectors);
    for (std::size_t i = 0; i < groups.size(); ++i) {
      apply(result_->add_group(std::move(groups[i])), matches[i], selection);
    }
    tell_of_mistakes(selection);
    if (mistakes_.empty()) warn_of_stubs_apart(selection);
    return result_;
  }

 private:
  using GroupId = NodeSettings::GroupId;

  const std::vector<Setting>& settings() const { return result_->settings(); }
  const Setting& first_of(GroupId group) const { return settings()[result_->ranks_of(group).front()]; }

  void apply(GroupId group, const Selection::Match& match, const Selection& selection) {
    const Setting& setting = first_of(group);
    if (match.empty()) miss(group, selection);
    for (const Value* input : match.inputs) {
      if (setting.slot == Slot::kOutput || setting.slot == Slot::kNode) {
        result_->speak(group, *input);
      } else {
        result_->speak_in_vain(
            group, nullptr, fmt::format("graph input '{}' has no {}", input->name(), to_text(setting.slot)));
      }
    }
    std::vector<const Node*> without_input;
    for (const Node* node : match.nodes) {
      if (setting.slot == Slot::kInput && setting.input && *setting.input >= node->input_count()) {
        without_input.push_back(node);
      } else if (setting.slot == Slot::kInput) {
        apply_to_inputs(group, *node);
      } else if (std::string why = unaffected(*node, setting.slot); why.empty()) {
        result_->speak(group, *node, setting.slot);
      } else {
        result_->speak_in_vain(group, node, std::move(why));
      }
    }
    if (!without_input.empty()) refuse_input(group, without_input);
  }

  /// Given: none of the nodes has the input of the settings.
  void refuse_input(GroupId group, const std::vector<const Node*>& nodes) {
    const Node& first = *nodes.front();
    const std::string others = nodes.size() > 1
                                   ? fmt::format("; nor {} {} more that it names",
                                                 nodes.size() == 2 ? "has" : "have", nodes.size() - 1)
                                   : "";
    for (const NodeSettings::Rank rank : result_->ranks_of(group)) {
      mistakes_.emplace(rank, fmt::format("{} has no input {}; it has {}{}", name_of(first),
                                          *settings()[rank].input, first.input_count(), others));
    }
  }

  void miss(GroupId group, const Selection& selection) {
    const Selector& selector = first_of(group).selector;
    if (selector.kind == Selector::Kind::kOutside && selection.names_exist(selector)) return;
    if (std::optional<std::string> gone = selection.gone(selector)) {
      result_->speak_in_vain(group, nullptr, std::move(*gone));
    } else if (!selector.optional) {
      for (const NodeSettings::Rank rank : result_->ranks_of(group)) mistakes_.emplace(rank, std::nullopt);
    }
  }

  void tell_of_mistakes(const Selection& selection) {
    std::size_t unmatched = 0;
    std::vector<const Setting*> told;
    std::map<std::string, std::vector<const Setting*>> of_tables;  // by their files
    for (const auto& [rank, mistake] : mistakes_) {
      const Setting& setting = settings()[rank];
      if (mistake) {
        diagnostics_.error(codes::kNoMatch, *mistake, setting.where);
      } else if (setting.of_table) {
        of_tables[setting.where.file].push_back(&setting);
      } else if (is_first_of_its_name(setting, told) && ++unmatched <= kMostUnmatched) {
        diagnostics_.error(codes::kNoMatch, selection.why_nothing(setting.selector),
                           setting.selector_place());
        told.push_back(&setting);
      }
    }
    if (unmatched > kMostUnmatched) {
      diagnostics_.error(codes::kNoMatch,
                         fmt::format("and {} more settings match nothing", unmatched - kMostUnmatched));
    }
    for (const auto& [file, unknown] : of_tables) tell_of_table(file, unknown, selection);
  }

  /// Given: the settings of one table that match nothing.
  void tell_of_table(const std::string& file, const std::vector<const Setting*>& unknown,
                     const Selection& selection) {
    constexpr std::size_t kMostNames = 3;
    const std::vector<std::string> missing = names_in_order(unknown);
    if (missing.size() == 1) {
      diagnostics_.error(codes::kNoMatch, selection.why_nothing(unknown.front()->selector),
                         unknown.front()->where);
      return;
    }
    std::vector<const Setting*> of_table;
    for (const Setting& setting : settings()) {
      if (setting.of_table && setting.where.file == file) of_table.push_back(&setting);
    }
    const std::vector<std::string> some(
        missing.begin(), missing.begin() + static_cast<std::ptrdiff_t>(std::min(kMostNames, missing.size())));
    const std::string more =
        missing.size() > kMostNames ? fmt::format(" and {} more", missing.size() - kMostNames) : "";
    diagnostics_.error(
        codes::kNoMatch,
        fmt::format(
            "{} of the {} nodes that are taken from this table are not in the model: '{}'{}; it is the "
            "sensitivity table of another model, or the nodes were renamed",
            missing.size(), names_in_order(of_table).size(), join(some, "', '"), more),
        unknown.front()->where);
  }

  /// Each once.
  static std::vector<std::string> names_in_order(const std::vector<const Setting*>& settings) {
    std::vector<std::string> names;
    std::set<std::string_view> seen;
    for (const Setting* setting : settings) {
      if (seen.insert(setting->selector.text).second) names.push_back(setting->selector.text);
    }
    return names;
  }

  void warn_of_stubs_apart(const Selection& selection) {
    Selector between{Selector::Kind::kSubgraph};
    Where where;
    for (const Setting& setting : settings()) {
      if (setting.selector.kind != Selector::Kind::kOutside) continue;
      const Selector& stub = setting.selector;
      between.from.insert(between.from.end(), stub.from.begin(), stub.from.end());
      between.to.insert(between.to.end(), stub.to.begin(), stub.to.end());
      if (where.line == 0 && !stub.to.empty()) where = setting.where;
    }
    if (between.from.empty() || between.to.empty() || !selection.find(between).empty()) return;
    const Selector back{Selector::Kind::kSubgraph, {}, between.to, between.from};
    const std::string from = join(between.from, "', '"), to = join(between.to, "', '");
    diagnostics_.warning(
        codes::kNothingQuantised,
        fmt::format(
            "nothing lies between the stubs: no way leads from the inputs ('{}') to the outputs ('{}'){}",
            from, to, selection.find(back).empty() ? "" : "; one leads back, as if they were exchanged"),
        where);
  }

  /// What is said of the input, the weight and the output of a name that is none, is wrong once.
  static bool is_first_of_its_name(const Setting& setting, const std::vector<const Setting*>& told) {
    const Where& place = setting.selector_place();
    return std::none_of(told.begin(), told.end(), [&](const Setting* each) {
      const Where& known = each->selector_place();
      return known.line == place.line && known.file == place.file && each->selector == setting.selector;
    });
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
        if (slot == Slot::kNode) return "";
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

  void apply_to_inputs(GroupId group, const Node& node) {
    const Setting& setting = first_of(group);
    const OpTraits& traits = flow_.traits(node);
    bool any = false;
    std::string why;
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      if (!node.input(i) || (setting.input ? *setting.input != i : !traits.is_data(i))) continue;
      const bool weight = weight_of(flow_, node, i) != nullptr;
      if (weight && !setting.input) continue;
      std::string objection = traits.is_data(i)
                                  ? apply_to_input(group, node, i, weight)
                                  : fmt::format("input {} of {} carries no data", i, name_of(node));
      any = any || objection.empty();
      if (why.empty()) why = std::move(objection);
    }
    if (any) return;
    if (why.empty()) why = fmt::format("{} has no input with data", name_of(node));
    result_->speak_in_vain(group, &node, std::move(why));
  }

  /// Result: the settings speak of whoever made what enters there. Why they cannot; empty: they do.
  std::string apply_to_input(GroupId group, const Node& node, std::size_t input, bool weight) {
    if (weight) {
      result_->speak(group, node, Slot::kWeight);
      return "";
    }
    const Value& root = *flow_.of(*node.input(input)).root;
    const Node* maker = root.producer();
    const Unit* unit = plan_.unit_of(node);
    if (is_no_float(root))
      return fmt::format("input {} of {} has no floats to quantise", input, name_of(node));
    if (unit && unit->bias == &root) {
      return fmt::format("input {} of {} is a bias", input, name_of(node));
    }
    if (is_constant(root) && !first_of(group).says_precision()) {
      return fmt::format("'{}' is a constant, whose scale comes from its numbers", root.name());
    }
    if (!maker || is_constant(root)) {
      result_->speak(group, root);
      return "";
    }
    if (unit && unit == plan_.unit_of(*maker)) {
      return fmt::format("'{}' stays inside the unit of {}", root.name(), name_of(node));
    }
    std::string why = unaffected(*maker, Slot::kOutput);
    if (why.empty()) result_->speak(group, *maker, Slot::kOutput);
    return why;
  }

  std::shared_ptr<NodeSettings> result_;
  const DataFlow& flow_;
  const Plan& plan_;
  Diagnostics& diagnostics_;
  std::map<NodeSettings::Rank, std::optional<std::string>> mistakes_;  // nullopt: it matches nothing
};

}  // namespace

std::shared_ptr<const NodeSettings> fold_settings(const Model& model, std::span<const Setting> settings,
                                                  const DataFlow& flow, const Plan& plan,
                                                  Diagnostics& diagnostics) {
  return Fold(settings, flow, plan, diagnostics).run(model);
}

}  // namespace qprep
