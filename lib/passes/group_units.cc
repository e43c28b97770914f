#include "passes/group_units.h"

#include <algorithm>
#include <fmt/format.h>
#include <list>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "config/fusing.h"
#include "ir/operators_in_file.h"
#include "ir/walk.h"
#include "passes/composite_matcher.h"
#include "passes/fuse_lists.h"
#include "passes/fusion_matcher.h"
#include "passes/standing_sequences.h"
#include "passes/target_judge.h"
#include "passes/way_between.h"
#include "plan/listed.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::string_view kEagerly =
    "method 'eager' recognises nothing that the configuration does not list";

Unit unit_of(CompositeMatch match) {
  return {.pattern = match.pattern->name,
          .nodes = std::move(match.nodes),
          .operands = std::move(match.operands),
          .bounded = match.pattern->bounded};
}

/// The sequence with the batch norm that is in its head's weight, and stands behind it in the QAT forms.
std::string with_kept_norm(const Model& model, const std::string& pattern, const Node& head) {
  if (!model.kept_batch_norms.contains(&head)) return pattern;
  const std::size_t end_of_head = std::min(pattern.find('-'), pattern.size());
  return pattern.substr(0, end_of_head) + "-bn" + pattern.substr(end_of_head);
}

class Grouping {
 public:
  Grouping(const Model& model, Plan& plan, Env& env) : model_(model), plan_(plan), env_(env) {}

  void run() {
    static const Fusing everything;
    const Fusing& fusing = env_.fusing ? *env_.fusing : everything;
    plan_.fuses_nothing = why_nothing_is_fused(fusing);
    const CompositeMatcher spelled_out(env_.composites->patterns, *env_.op_classes);
    const FuseLists lists(model_, fusing);
    const auto is_listed = [&](const CompositeMatch& match) { return lists.join(match.nodes); };
    CompositeMatcher::Found found =
        spelled_out.find(model_, fusing.eager ? is_listed : CompositeMatcher::Wanted());
    if (fusing.eager) apart_ = spelled_out.find(model_).matches;
    for (CompositeMatch& match : found.matches) plan_.units.push_back(unit_of(std::move(match)));
    const DataFlow flow(model_, *env_.op_classes, plan_);
    const std::vector<Unit> composites = std::exchange(plan_.units, {});
    for (const Unit& composite : composites) add(composite);
    for (CompositeMatch& flawed : found.flawed) {
      const Node* first = flawed.nodes.front();
      missed_.emplace(first, Miss{flawed.pattern->name, std::move(flawed.nodes), std::move(flawed.flaw)});
    }

    const TargetJudge target(*env_.op_classes, env_.march, model_.opset());
    const FusionMatcher matcher(*env_.fusion, flow, composites, env_.march,
                                target.has_table() ? &target : nullptr);
    if (fusing.fuses_all()) {
      fuse_all(matcher, flow, true);
    } else {
      fuse_lists(matcher, lists);
      miss_unlisted(matcher,
                    StandingSequences(model_, *env_.fusion, flow, composites, env_.march,
                                      target.has_table() ? &target : nullptr),
                    flow, fusing);
      FusionParts heads;
      heads.heads = env_.fusion->parts.heads;
      // A bias that stands apart is part of its layer, which is no fusion.
      const FusionRules alone = FusionRules::of(std::move(heads));
      if (!fusing.eager) fuse_all(FusionMatcher(alone, flow, composites), flow, false);
    }
    write(flow, matcher);
  }

  /// What the configuration leaves apart. Given: run() was called.
  std::vector<SequenceApart>& apart() { return apart_as_now_; }

 private:
  void add(Unit unit) {
    const Node* root = unit.nodes.front();
    const Unit& added = by_root_.emplace(root, std::move(unit)).first->second;
    for (const Node* node : added.nodes) taken_[node] = &added;
  }

  void add(FusionMatcher::Result& sequence) {
    if (sequence.composite) by_root_.erase(sequence.composite->nodes.front());
    add(std::move(*sequence.unit));
  }

  void fuse_all(const FusionMatcher& matcher, const DataFlow& flow, bool with_misses) {
    for (auto at = flow.nodes().rbegin(); at != flow.nodes().rend(); ++at) {
      const Node* node = *at;
      if (taken_.contains(node)) continue;
      FusionMatcher::Result sequence = matcher.match(*node, taken_);
      if (sequence.tail_relu) tail_relus_.emplace(sequence.tail_relu, sequence.miss->because);
      if (sequence.miss && with_misses) missed_.emplace(node, std::move(*sequence.miss));
      if (sequence.unit) add(sequence);
    }
  }

  void fuse_lists(const FusionMatcher& matcher, const FuseLists& lists) {
    lists.check(env_.diagnostics);
    for (const FuseLists::Members& members : lists.all()) {
      // One node: what else the list names was folded into it.
      if (members.nodes.size() > 1) fuse(matcher, members);
    }
  }

  /// What would be one unit if the configuration did not say what is fused.
  void miss_unlisted(const FusionMatcher& matcher, const StandingSequences& standing, const DataFlow& flow,
                     const Fusing& fusing) {
    const std::string why = fusing.lists.empty() ? why_nothing_is_fused(fusing) : "'fuse' does not list it";
    FusionMatcher::Taken taken = taken_;
    std::list<Unit> unlisted;
    for (const CompositeMatch& match : apart_) {
      const auto is_taken = [&](const Node* node) { return taken_.contains(node); };
      if (match.nodes.size() < 2 || std::any_of(match.nodes.begin(), match.nodes.end(), is_taken)) continue;
      const Unit& unit = unlisted.emplace_back(unit_of(match));
      for (const Node* node : unit.nodes) taken[node] = &unit;
      miss(unit, std::string(kEagerly));
    }
    for (auto at = flow.nodes().rbegin(); at != flow.nodes().rend(); ++at) {
      if (taken.contains(*at)) continue;
      FusionMatcher::Result sequence = matcher.match(**at, taken);
      // A head alone is no fusion, and its own bias joins it unless the method is eager.
      bool fuses = sequence.unit && sequence.unit->pattern.find('-') != std::string::npos;
      if (!fuses) {
        if (std::optional<Unit> with_norm = standing.of(**at, taken)) {
          sequence.unit = std::move(with_norm);
          fuses = true;
        }
      }
      if (!sequence.unit || (!fuses && (!fusing.eager || sequence.unit->nodes.size() < 2))) {
        // Something else keeps it apart, too, and no other sequence would have taken its nodes.
        const auto is_free = [&](const Node* node) { return !taken.contains(node); };
        if (sequence.miss && std::ranges::all_of(sequence.miss->nodes, is_free)) {
          miss_for_two_reasons(**at, std::move(*sequence.miss), why);
        }
        continue;
      }
      const Unit& unit = unlisted.emplace_back(std::move(*sequence.unit));
      for (const Node* node : unit.nodes) taken[node] = &unit;
      miss(unit, why);
    }
    miss_as_in_file(flow);
  }

  void miss(const Unit& unit, const std::string& why) {
    const Node* root = unit.nodes.front();
    if (!missed_.emplace(root, Miss{unit.pattern, unit.nodes, why}).second) return;
    unlisted_.insert(root);
    SequenceApart& apart = apart_as_now_.emplace_back(unit.pattern, std::vector<std::string>{}, why);
    for (const Node* node : unit.nodes) apart.labels.push_back(node->label());
  }

  void miss_for_two_reasons(const Node& root, Miss miss, const std::string& why) {
    miss.because = fmt::format("{}; {}", why, miss.because);
    missed_.emplace(&root, std::move(miss));
  }

  /// Replacements make other operators of nodes that were a sequence, or of some of them. A layer that one of
  /// its later nodes is now begins a sequence besides, which the configuration could list instead.
  void miss_as_in_file(const DataFlow& flow) {
    if (model_.apart.empty()) return;
    std::unordered_map<std::string_view, const Node*> there;
    for (const Node* node : nodes_with_bodies(*model_.graph)) there.emplace(node->label(), node);
    std::unordered_map<const Node*, const Node*> root_of;  // of what is missed as the nodes are now
    for (const Node* root : unlisted_) {
      for (const Node* node : missed_.at(root).nodes) root_of.emplace(node, root);
    }
    for (const SequenceApart& each : model_.apart) {
      std::vector<const Node*> nodes;
      for (const std::string& label : each.labels) {
        if (const auto node = there.find(label); node != there.end()) nodes.push_back(node->second);
      }
      const auto is_taken = [&](const Node* node) { return taken_.contains(node); };
      if (nodes.size() < 2 || std::ranges::any_of(nodes, is_taken)) continue;
      std::unordered_set<const Node*> instead_of;
      for (const Node* node : nodes) {
        if (const auto root = root_of.find(node); root != root_of.end()) instead_of.insert(root->second);
      }
      if (instead_of.size() == 1 && goes_on(missed_.at(*instead_of.begin()).nodes, nodes)) continue;
      const Node* root = nodes.front();
      for (const Node* other : instead_of) {
        if (other == root || !is_layer(*other, flow)) forget(other);
      }
      missed_.emplace(root, Miss{each.pattern, std::move(nodes), each.because});
    }
    // What begins with a batch norm that a layer would take in goes on with that layer; it is told where
    // batch norms are.
    for (const StandingNorm& norm : model_.standing_norms) {
      const auto node = there.find(norm.label);
      if (norm.foldable && node != there.end() && !is_layer(*node->second, flow)) forget(node->second);
    }
  }

  static bool is_layer(const Node& node, const DataFlow& flow) {
    return flow.traits(node).op_class == OpClass::kGemmLike;
  }

  /// The sequence has more nodes than the other, all of them of the file.
  static bool goes_on(const std::vector<const Node*>& sequence, const std::vector<const Node*>& other) {
    return sequence.size() > other.size() &&
           std::ranges::all_of(sequence, [](const Node* node) { return node->made_for().empty(); }) &&
           std::ranges::all_of(
               other, [&](const Node* node) { return std::ranges::find(sequence, node) != sequence.end(); });
  }

  void forget(const Node* root) {
    if (unlisted_.erase(root) > 0) missed_.erase(root);
  }

  void fuse(const FusionMatcher& matcher, const FuseLists::Members& members) {
    const std::unordered_set<const Node*> only(members.nodes.begin(), members.nodes.end());
    const Node& first = *members.nodes.front();
    if (const Unit* owner = owner_of(first); owner && owner->nodes == members.nodes) return;
    FusionMatcher::Result sequence;
    if (!taken_.contains(&first)) sequence = matcher.match(first, taken_, &only);
    if (sequence.tail_relu) tail_relus_.emplace(sequence.tail_relu, sequence.miss->because);
    if (sequence.unit && holds_all(*sequence.unit, members.nodes)) return add(sequence);
    for (std::size_t i = 1; i < members.nodes.size(); ++i) {
      const Node& before = *members.nodes[i - 1];
      const Node& node = *members.nodes[i];
      if (reads(node, before)) continue;
      env_.diagnostics.error(
          codes::kFuseList,
          fmt::format("{} is no sequence: {} does not read what {} makes; {}", to_text(*members.list),
                      name_of(node), name_of(before), what_stands_between(before, node)),
          members.list->where);
      return;
    }
    const std::string why = sequence.miss ? sequence.miss->because : no_sequence(members.nodes);
    env_.diagnostics.warning(codes::kFuseList,
                             fmt::format("{} is not fused: {}", to_text(*members.list), why),
                             members.list->where);
    missed_.emplace(&first,
                    Miss{sequence.miss ? sequence.miss->pattern : std::string(kListed), members.nodes, why});
  }

  const Unit* owner_of(const Node& node) const {
    const auto owner = taken_.find(&node);
    return owner == taken_.end() ? nullptr : owner->second;
  }

  static bool holds_all(const Unit& unit, const std::vector<const Node*>& nodes) {
    const std::unordered_set<const Node*> inside(unit.nodes.begin(), unit.nodes.end());
    return std::all_of(nodes.begin(), nodes.end(), [&](const Node* node) { return inside.contains(node); });
  }

  static std::string said_of_composite(const std::string& composite, const std::vector<std::string>& names) {
    return fmt::format("{} is spelled out by {}, and the list does not name just these", composite,
                       join(names, ", "));
  }

  std::string no_sequence(const std::vector<const Node*>& nodes) const {
    const Node& first = *nodes.front();
    if (const Unit* owner = owner_of(first))
      return fmt::format("{} is part of {}", name_of(first), name_of(*owner));
    if (const auto flawed = missed_.find(&first); flawed != missed_.end() && flawed->second.nodes == nodes) {
      return flawed->second.because;
    }
    const OperatorsInFile in_file(model_);
    for (const SequenceApart& each : model_.apart) {
      if (each.because != kEagerly || std::ranges::find(each.labels, first.label()) == each.labels.end()) {
        continue;
      }
      std::unordered_map<std::string_view, std::string> operators;
      for (const Node* node : nodes_with_bodies(*model_.graph)) {
        if (std::ranges::find(each.labels, node->label()) != each.labels.end()) {
          operators.emplace(node->label(), in_file.of(*node));
        }
      }
      std::vector<std::string> names;
      for (const std::string& label : each.labels) {
        const auto op = operators.find(label);
        names.push_back(op == operators.end() ? fmt::format("'{}'", label)
                                              : fmt::format("{} '{}'", op->second, label));
      }
      return said_of_composite(fmt::format("{} '{}'", each.pattern, each.labels.back()), names);
    }
    for (const CompositeMatch& match : apart_) {
      if (std::find(match.nodes.begin(), match.nodes.end(), &first) == match.nodes.end()) continue;
      std::vector<std::string> names;
      for (const Node* node : match.nodes) names.push_back(name_of(*node));
      return said_of_composite(name_of(unit_of(match)), names);
    }
    std::vector<std::string> operators;
    for (const Node* node : nodes) operators.push_back(in_file.of(*node));
    return fmt::format("{} is none of the known sequences", join(operators, ", "));
  }

  /// In the order of the graph; who is in none is a unit alone.
  void write(const DataFlow& flow, const FusionMatcher& matcher) {
    for (const Node* each : flow.nodes()) {
      const Node& node = *each;
      if (const auto miss = missed_.find(&node); miss != missed_.end()) {
        plan_.misses.push_back(std::move(miss->second));
        std::string& pattern = plan_.misses.back().pattern;
        if (pattern != kListed) pattern = with_kept_norm(model_, pattern, node);
      }
      const auto unit = by_root_.find(&node);
      if (unit == by_root_.end()) {
        const OpClass op_class = flow.traits(node).op_class;
        const bool alone = op_class == OpClass::kGemmLike || op_class == OpClass::kActive;
        if (taken_.contains(&node) || !alone) continue;
        const std::string pattern = matcher.alone(node);
        plan_.units.push_back({pattern.empty() ? node.op() : pattern, {&node}});
        const auto relu = tail_relus_.find(&node);
        if (relu != tail_relus_.end()) plan_.units.back().on_cpu = relu->second;
      } else {
        plan_.units.push_back(std::move(unit->second));
      }
      std::string& pattern = plan_.units.back().pattern;
      pattern = with_kept_norm(model_, pattern, node);
      for (const Node* member : plan_.units.back().nodes) {
        plan_.nodes[member].unit = static_cast<int>(plan_.units.size()) - 1;
      }
    }
  }

  const Model& model_;
  Plan& plan_;
  Env& env_;
  std::vector<CompositeMatch> apart_;  // what method eager does not recognise by itself, listed or not
  FusionMatcher::Taken taken_;
  std::unordered_map<const Node*, Unit> by_root_;
  std::unordered_map<const Node*, Miss> missed_;
  std::unordered_set<const Node*> unlisted_;  // roots of those that the configuration leaves apart
  std::vector<SequenceApart> apart_as_now_;   // the same, whatever they were in the file
  std::unordered_map<const Node*, std::string> tail_relus_;  // that stay apart, and why
};

}  // namespace

void group_units(const Model& model, Plan& plan, Env& env) { Grouping(model, plan, env).run(); }

std::vector<SequenceApart> sequences_apart(const Model& model, Env& env) {
  if (!env.fusing || env.fusing->fuses_all()) return {};
  Plan plan;
  Diagnostics said_later;
  Env unheard{.diagnostics = said_later,
              .op_classes = env.op_classes,
              .fusion = env.fusion,
              .composites = env.composites,
              .fusing = env.fusing,
              .march = env.march};
  Grouping grouping(model, plan, unheard);
  grouping.run();
  return std::move(grouping.apart());
}

}  // namespace qprep
