#include "passes/placement.h"

#include <algorithm>
#include <fmt/format.h>

#include "config/march.h"
#include "passes/channel_scales.h"
#include "passes/narrow_tensors.h"
#include "passes/readers_behind.h"
#include "passes/share_scales.h"
#include "passes/size_remedies.h"
#include "passes/target_judge.h"
#include "passes/unit_entries.h"
#include "passes/unit_objections.h"
#include "plan/because.h"
#include "quant/weight_scale.h"

namespace qprep {
namespace {

class Placement {
 public:
  Placement(const DataFlow& flow, const WeightDecisions& weights, const NodeSettings& settings,
            const March* march, const TargetJudge& target, Plan& plan)
      : flow_(flow),
        weights_(weights),
        settings_(settings),
        march_(march),
        target_(target),
        objections_(flow, weights, settings),
        plan_(plan) {}

  QuantisedNodes run() {
    // Readers first: what follows a unit decides some limits.
    for (auto unit = plan_.units.rbegin(); unit != plan_.units.rend(); ++unit) judge(*unit);
    const auto runs = [this](const Unit& unit) { return runs_quantised(*unit.nodes.front()); };
    find_narrow_tensors(plan_.units, runs, flow_, target_, march_, narrow_);
    for (const Unit& unit : plan_.units) {
      if (!runs_quantised(*unit.nodes.front())) continue;
      for (const Entry& entry : entries(unit)) feed(entry);
      hand_on(unit);
    }
    for (const Node* node : flow_.nodes()) settle_reads(*node);
    for (const Node* node : flow_.nodes()) {
      judge_passive(*node);
      judge_carrying(*node);
    }
    share_scales(flow_, settings_, plan_);
    settle_channel_scales(flow_, nodes_, asked_for_channels_, plan_);
    return std::move(nodes_);
  }

 private:
  bool runs_quantised(const Node& node) const { return nodes_.computing.contains(&node); }
  // ------------------------------------------------------------------------------------- which units

  std::vector<Entry> entries(const Unit& unit) const { return entries_of(unit, flow_); }

  /// What the target says if the unit is asked for.
  Judgement judgement_of(const Unit& unit, bool by_name) const {
    if (!target_.has_table()) return {};
    TargetJudge::Asked asked = asked_of(unit);
    asked.by_name = asked.by_name || by_name;
    return target_.of(unit, asked);
  }

  void judge(const Unit& unit) {
    Reason objection = objections_.to(unit);
    if (target_.has_table()) {
      if (objection.empty()) {
        objection = objection_of_target(unit);
      } else if (reads_open_sizes(unit, flow_) && !waits_for_sizes(unit, flow_)) {
        add_refusal(unit, objection);
      }
    }
    const std::string remedy =
        objection.settings.empty()
            ? ""
            : objections_.remedy_of_borders(unit, [&](bool by_name) { return judgement_of(unit, by_name); });
    if (objection.empty()) find_keepers(unit);
    for (const Node* node : unit.nodes) {
      if (objection.empty()) {
        nodes_.computing.insert(node);
        continue;
      }
      NodePlan& entry = plan_.nodes[node];
      entry.device_because = objection;
      if (entry.remedy.empty()) entry.remedy = remedy;
    }
  }

  void find_keepers(const Unit& unit) {
    Reason keepers = objections_.keepers(unit);
    const Setting& setting = settings_.winner(unit);
    if (setting.places_nodes() && target_.has_table()) {
      TargetJudge::Asked asked = asked_of(unit);
      const bool runs = target_.of(unit, asked).verdict != Verdict::kBroken;
      asked.by_name = false;
      if (runs && target_.of(unit, asked).verdict == Verdict::kBroken) keepers.add(setting);
    }
    if (!keepers.settings.empty()) nodes_.keepers.emplace(unit.nodes.front(), std::move(keepers));
  }

  /// Of the first quantised reader of what is quantised only where it is read so.
  Reason keepers_of_reader(const Value& value) const {
    for (const Node* reader : readers_behind(flow_, value)) {
      if (runs_quantised(*reader)) return nodes_.keepers_of(plan_.unit_of(*reader));
    }
    return {};
  }

  /// What the target says against the unit in any precision, behind what is known to keep it float.
  void add_refusal(const Unit& unit, Reason& objection) {
    TargetJudge::Asked asked = asked_of(unit);
    for (std::optional<Precision>* precision : {&asked.output, &asked.input}) {
      if (*precision == Precision::kInt16) *precision = Precision::kInt8;
    }
    const Judgement judgement = target_.of(unit, asked);
    if (judgement.verdict != Verdict::kBroken) return;
    objection.append(fmt::format("; {}", reasons_of(judgement)));
    for (const Node* node : unit.nodes) plan_.nodes[node].by_target = true;
  }

  /// Why the target cannot run the unit; empty: it can, though perhaps in another precision than was asked
  /// for.
  Reason objection_of_target(const Unit& unit) {
    TargetJudge::Asked asked = asked_of(unit);
    Judgement judgement = target_.of(unit, asked);
    for (std::optional<Precision>* precision : {&asked.output, &asked.input}) {
      if (judgement.verdict != Verdict::kBroken || *precision != Precision::kInt16) continue;
      const std::string why = reasons_of(judgement);
      *precision = Precision::kInt8;
      judgement = target_.of(unit, asked);
      if (judgement.verdict == Verdict::kBroken) continue;
      narrow_unit(unit, fmt::format("since {}", why), asked.input != Precision::kInt16);
    }
    const bool broken = judgement.verdict == Verdict::kBroken;
    for (const Node* node : unit.nodes) {
      NodePlan& entry = plan_.nodes[node];
      entry.by_target = broken;
      (broken ? entry.remedy : entry.undecided) = broken ? remedies_of(judgement) : reasons_of(judgement);
    }
    return broken ? Reason(reasons_of(judgement)) : Reason();
  }

  /// What the configuration asks for, wherever it comes from.
  TargetJudge::Asked asked_of(const Unit& unit) const {
    TargetJudge::Asked asked;
    const auto quantised = [](const Setting& setting) {
      return setting.precision() == Precision::kFloat32 ? std::nullopt : std::optional(setting.precision());
    };
    const Setting& output = settings_.winner(unit);
    asked.output = quantised(output);
    asked.by_name = output.places_nodes();
    asked.last_of_segment = nothing_quantised_behind(unit.nodes.back()->output(0));
    for (const Entry& entry : entries(unit)) {
      const Value* weight = weight_of(flow_, *entry.node, entry.input);
      if (weight) {
        const auto decision = weights_.decisions.find(weight);
        if (decision != weights_.decisions.end()) asked.weight = decision->second.spec.precision;
      } else if (!asked.input) {
        asked.input = quantised(setting_asked_for(entry));
      }
    }
    return asked;
  }

  const Setting& setting_asked_for(const Entry& entry) const {
    const Value& root = *flow_.of(entry.value()).root;
    if (is_constant(root)) return settings_.winner(*entry.node, root);
    if (!root.producer()) return settings_.winner(root);
    const Unit* maker = plan_.unit_of(*root.producer());
    return maker ? settings_.winner(*maker) : settings_.winner(*root.producer(), Slot::kOutput);
  }

  /// Nodes on the CPU and outputs alone read the value, over passive operators. Given: units that come later
  /// were judged.
  bool nothing_quantised_behind(const Value& value) const {
    return all_behind(flow_, value, [this](const Node& node) { return stays_on_cpu(node); });
  }

  void add_device_of(const Node& node, Reason& why) const {
    if (const NodePlan* plan = plan_.of(node)) why.add(plan->device_because);
  }

  bool stays_on_cpu(const Node& node) const {
    const NodePlan* plan = plan_.of(node);
    const OpClass op_class = flow_.traits(node).op_class;
    const bool computes = op_class == OpClass::kGemmLike || op_class == OpClass::kActive;
    return computes ? plan && !plan->device_because.empty() : op_class != OpClass::kQuantised;
  }

  /// Of a passive operator that would run on the BPU. It has the scale of what it moves wherever it runs.
  void judge_passive(const Node& node) {
    if (plan_.unit_of(node)) return;
    if (!nodes_.moving.contains(&node) && !moves_quantised_already(flow_, node)) return;
    if (const Setting* skip = settings_.skip(node)) {
      nodes_.on_cpu.emplace(&node, because("{} runs on the CPU ({})", name_of(node), *skip));
      return;
    }
    if (!target_.has_table()) return;
    const Judgement judgement = target_.of_single(node);
    NodePlan& entry = plan_.nodes[&node];
    if (judgement.verdict == Verdict::kUndecided) entry.undecided = reasons_of(judgement);
    if (judgement.verdict != Verdict::kBroken) return;
    refuse(node, judgement);
  }

  /// Of an operator that carries scales of its own. One that says how a tensor is held is no operator to run,
  /// so only what the target does not have at all is refused.
  void judge_carrying(const Node& node) {
    if (!target_.has_table() || flow_.traits(node).op_class != OpClass::kQuantised) return;
    const Judgement judgement = target_.of_single(node);
    if (judgement.runs == RunsOn::kNowhere) refuse(node, judgement);
  }

  void refuse(const Node& node, const Judgement& judgement) {
    nodes_.on_cpu.emplace(&node, reasons_of(judgement));
    plan_.nodes[&node].by_target = true;
    plan_.nodes[&node].remedy = remedies_of(judgement);
  }

  /// What the unit makes, and what enters it too, has to be int8.
  void narrow_unit(const Unit& unit, const std::string& why, bool inputs_too) {
    narrow_.emplace(&unit.nodes.back()->output(0), why);
    if (!inputs_too) return;
    for (const Entry& entry : entries(unit)) narrow_.emplace(flow_.of(entry.value()).root, why);
  }

  /// Result: what has to be int8 is, where int16 was asked; why, as the end of a reason.
  std::string narrowed(const Value& root, Precision& precision) const {
    const auto at = narrow_.find(&root);
    if (at == narrow_.end() || precision != Precision::kInt16) return "";
    precision = Precision::kInt8;
    return "; qint8, " + at->second;
  }

  /// Given: the node runs on the CPU. Result: if its unit were quantised, other settings would hold for what
  /// it makes.
  bool unit_speaks_otherwise(const Node& node) const {
    const Unit* unit = plan_.unit_of(node);
    if (!unit) return false;
    for (const Aspect aspect : {Aspect::kPrecision, Aspect::kObserver, Aspect::kAveragingConstant,
                                Aspect::kFixedScale, Aspect::kPerChannel, Aspect::kPowerOfTwo}) {
      if (settings_.find(*unit, aspect) != settings_.find(node, Slot::kOutput, aspect)) return true;
    }
    return false;
  }

  /// Of what a unit makes in the tail, quantised since the configuration quantises the tail, as the end of a
  /// reason; empty: it is none, or has a setting of its own.
  Reason in_quantised_tail(const Unit& unit) const {
    const Value& result = unit.nodes.back()->output(0);
    const bool quantised =
        settings_.tail().precision() != Precision::kFloat32 && !settings_.winner(unit).places_nodes();
    return quantised && flow_.of(result).tail ? because("; in the tail ({})", settings_.tail()) : Reason();
  }

  /// The same of a node whose unit a setting of its own lifts out of a tail that stays float.
  Reason out_of_tail(const Node& node) const {
    const Unit* unit = plan_.unit_of(node);
    if (!unit || settings_.tail().precision() != Precision::kFloat32) return {};
    const Setting& setting = settings_.winner(*unit);
    const bool lifted = setting.places_nodes() && flow_.of(unit->nodes.back()->output(0)).tail &&
                        flow_.traits(*unit->nodes.front()).op_class != OpClass::kGemmLike;
    return lifted ? because("; {} is quantised ({})", name_of(node), setting) : Reason();
  }

  // ------------------------------------------------------------------------------- what enters a unit

  /// Result: what the unit reads there is quantised, as far as the templates say so.
  void feed(const Entry& entry) {
    const Value* root = flow_.of(entry.value()).root;
    const Value* weight = weight_of(flow_, *entry.node, entry.input);
    if (weight) {
      const auto decision = weights_.decisions.find(weight);
      if (decision != weights_.decisions.end()) {
        const auto [at, is_new] = plan_.values.emplace(root, decision->second);
        if (is_new) at->second.because.add(nodes_.keepers_of(plan_.unit_of(*entry.node)));
        read_quantised(entry);
        return;
      }
      if (weights_.left.contains(weight)) return;
    }
    const Setting& setting = setting_for(entry, *root);
    if (setting.precision() == Precision::kFloat32) return;
    if (const auto exempt = flow_.exempt(*root)) {
      plan_.not_quantised.emplace(root, *exempt);
      return;
    }
    // A weight that somebody reads as data too has its decision from there.
    const auto as_weight = weights_.decisions.find(root);
    if (as_weight != weights_.decisions.end()) {
      plan_.values.emplace(root, as_weight->second);
    } else if (!plan_.values.contains(root)) {
      plan_.values.emplace(root, decision_for(entry, *root, setting));
    }
    plan_.not_quantised.erase(root);
    read_quantised(entry);
  }

  /// The unit that makes the value and runs quantised; null: none does.
  const Unit* unit_that_makes(const Value& value) const {
    if (!value.producer() || !runs_quantised(*value.producer())) return nullptr;
    const Unit* unit = plan_.unit_of(*value.producer());
    return unit && &value == &unit->nodes.back()->output(0) ? unit : nullptr;
  }

  /// A graph input, the result of a quantised unit and of any other node have their own; a constant has that
  /// of the first unit that reads it.
  const Setting& setting_for(const Entry& entry, const Value& root) const {
    if (is_constant(root)) return settings_.winner(*entry.node, root);
    if (const Unit* unit = unit_that_makes(root)) return settings_.winner(*unit);
    return root.producer() ? settings_.winner(*root.producer(), Slot::kOutput) : settings_.winner(root);
  }

  Decision decision_for(const Entry& entry, const Value& root, const Setting& setting) {
    Decision decision;
    decision.spec.precision = setting.precision();
    const std::string narrow = narrowed(root, decision.spec.precision);
    const Node* through = flow_.of(entry.value()).through;
    const std::string reader =
        name_of_kernel(*entry.node) + (through ? fmt::format(" through {}", name_of(*through)) : "");
    std::string what;
    Reason on_cpu;  // who makes it; no words of its own
    if (is_constant(root)) {
      decision.role = Role::kConstant;
      what = fmt::format("constant that enters {}", reader);
      settle_scheme(settings_.find(*entry.node, Slot::kOutput, Aspect::kScheme),
                    settings_.find(*entry.node, Slot::kOutput, Aspect::kPowerOfTwo), decision.spec,
                    decision.because);
      know_scale(root, decision.spec);
    } else if (root.is_graph_input()) {
      const Node* holder = root.graph().holder();
      what = holder ? fmt::format("input of a body of {} that feeds {}", name_of(*holder), reader)
                    : fmt::format("graph input that feeds {}", reader);
      settle_aspects(root, decision, [&](Aspect aspect) { return settings_.find(root, aspect); });
    } else {
      const bool quantised = runs_quantised(*root.producer());
      what = fmt::format("result of {}{} that feeds {}", name_of(*root.producer()),
                         quantised ? "" : ", which runs on the CPU,", reader);
      if (!quantised && unit_speaks_otherwise(*root.producer())) {
        on_cpu.add(plan_.of(*root.producer())->device_because);
      }
      const Unit* unit = unit_that_makes(root);
      settle_aspects(root, decision, [&](Aspect aspect) {
        return unit ? settings_.find(*unit, aspect) : settings_.find(*root.producer(), Slot::kOutput, aspect);
      });
      if (quantised) {
        decision.takes_output = root.is_graph_output();
        made_quantised_.insert(&root);
      }
    }
    decision.because =
        because("{} ({}){}{}{}{}", what, setting, decision.because, out_of_tail(*entry.node), on_cpu, narrow);
    decision.because.add(nodes_.keepers_of(plan_.unit_of(*entry.node)));
    return decision;
  }

  /// The composite operator that the node is part of, or else the node.
  std::string name_of_kernel(const Node& node) const {
    const Unit* unit = plan_.unit_of(node);
    return unit && unit->is_composite() ? name_of(*unit) : name_of(node);
  }

  /// What else than the precision was said of the tensor. Result: `because` is the end of the reason: "", or,
  /// where something is not as usual, "; threshold 1 (qprep.yaml:4:7 ...)".
  template <typename Find>
  void settle_aspects(const Value& value, Decision& decision, const Find& find) {
    const auto say = [&](const Setting& setting) {
      decision.because.append(because("; {} ({})", to_text(setting.says), setting));
    };
    const QuantSpec usual;
    const Setting* given = find(Aspect::kFixedScale);  // nothing is observed then
    if (const Setting* named = find(Aspect::kObserver); named && !given) {
      decision.spec.observer = std::get<ObserverName>(named->says).name;
      decision.spec.observer == usual.observer ? decision.because.add(*named) : say(*named);
    }
    if (const Setting* averaging = find(Aspect::kAveragingConstant); averaging && !given) {
      decision.spec.averaging_constant = std::get<AveragingConstant>(averaging->says).value;
      decision.spec.averaging_constant == usual.averaging_constant ? decision.because.add(*averaging)
                                                                   : say(*averaging);
    }
    if (const Setting* channels = find(Aspect::kPerChannel); channels && !given) {
      if (std::get<PerChannel>(channels->says).value) {
        asked_for_channels_.push_back({&value, channels});
      } else {
        decision.because.add(*channels);
      }
    }
    if (!given) {
      return settle_scheme(find(Aspect::kScheme), find(Aspect::kPowerOfTwo), decision.spec, decision.because);
    }
    say(*given);
    const auto& fixed = std::get<FixedScale>(given->says);
    const double smallest = -static_cast<double>(range_of(decision.spec.precision).min);
    const double scale = fixed.threshold > 0 ? fixed.threshold / smallest : fixed.scale;
    decision.spec.observer = "fixed_scale";
    decision.fixed = true;
    plan_.known_scales.emplace(&value, KnownScale{Tensor::scalar(static_cast<float>(scale)),
                                                  Tensor::of<std::int32_t>(DType::kInt32, {}, {0})});
  }

  void know_scale(const Value& constant, const QuantSpec& spec) {
    const ConstantFacts* facts = flow_.facts(constant);
    if (auto known = facts ? known_scale(*facts, spec) : std::nullopt)
      plan_.known_scales.emplace(&constant, *known);
  }

  /// Result: the input reads the FakeQuantize of its root, over the passive operators between.
  void read_quantised(const Entry& entry) {
    const Node* node = entry.node;
    std::size_t input = entry.input;
    for (;;) {
      std::vector<std::size_t>& reads = plan_.nodes[node].quantised_inputs;
      const ValueFlow& flow = flow_.of(*node->input(input));
      if (!flow.through) return add(reads, input);
      if (!nodes_.moving.insert(flow.through)) return;
      node = flow.through;
      input = flow_.traits(*node).data.front();
    }
  }

  static void add(std::vector<std::size_t>& reads, std::size_t input) {
    const auto at = std::lower_bound(reads.begin(), reads.end(), input);
    if (at == reads.end() || *at != input) reads.insert(at, input);
  }

  // ------------------------------------------------------------------------------ what leaves a unit

  void hand_on(const Unit& unit) {
    const Value& result = unit.nodes.back()->output(0);
    const ValueFlow& flow = flow_.of(result);
    Reason keepers = nodes_.keepers_of(&unit);
    const auto float_since = [&](Reason why) {
      why.add(keepers);
      plan_.not_quantised.emplace(&result, std::move(why));
    };
    const auto left_to_rules = [&](Reason why) { float_since(objections_.by_rule(unit, std::move(why))); };
    const OpTraits& traits = flow_.traits(*unit.nodes.front());
    const bool gemm_like = traits.op_class == OpClass::kGemmLike;
    const Setting& setting = settings_.winner(unit);
    const Setting* holds = &setting;
    if (setting.precision() == Precision::kFloat32) {
      return float_since(float_as_set(setting));
    }
    if (flow.quantiser) return float_since(fmt::format("{} quantises it", name_of(*flow.quantiser)));
    const Setting& high_precision = settings_.high_precision();
    const bool keeps_high = high_precision.precision() == Precision::kFloat32;
    const bool gives_outputs =
        flow.tail && !keeps_high && &NodeSettings::first_of(high_precision, setting) == &high_precision;
    if (flow.only_outputs && (gemm_like || gives_outputs)) {
      plan_.nodes[unit.nodes.back()].high_precision = true;
    }
    if (flow.only_outputs && !setting.places_nodes() && (gemm_like || gives_outputs)) {
      if (keeps_high) {
        return left_to_rules(
            because("high-precision output: it feeds outputs of the graph only ({})", high_precision));
      }
      holds = &high_precision;
    }
    if (const std::string* why = feeds_tail_relu(result)) {
      plan_.nodes[unit.nodes.back()].high_precision = true;
      return float_since(fmt::format("high-precision output: {}", *why));
    }
    if (!flow.read) return float_since("no node reads it");
    if (!flow.reaches) return float_since("it only leads to shapes, indices, coordinates or conditions");
    if (gemm_like && objections_.in_float_tail(unit)) {
      Reason why = because("high-precision output: only the tail and outputs of the graph follow ({})",
                           settings_.tail());
      const std::size_t by_rule = why.settings.size();
      for (const Use& use : result.uses()) {
        const Setting* skip = settings_.skip(*use.node);
        if (!skip) continue;
        const bool first = why.settings.size() == by_rule;
        if (first) why.append(because("; {} stays float ({})", name_of(*use.node), *skip));
        why.add(*skip);
      }
      return left_to_rules(std::move(why));
    }
    const bool profile = march_ && march_->quantise;
    if (target_.has_table() && !setting.places_nodes()) keepers.add(keepers_of_reader(result));
    if (profile && march_->quantise->only_where_read && !setting.places_nodes() &&
        nothing_quantised_behind(result)) {
      Reason why =
          fmt::format("no quantised operator reads it, and {} quantises what these read", march_->name);
      for (const Node* reader : readers_behind(flow_, result)) add_device_of(*reader, why);
      return left_to_rules(std::move(why));
    }
    if (gemm_like && !setting.places_nodes()) {
      if (const Setting* stub = stub_behind(result)) {
        return left_to_rules(because("high-precision output: only what stays float follows ({})", *stub));
      }
      if (!flow.only_outputs && target_.has_table() && !profile &&
          target_.makes(*unit.nodes.front(), Precision::kInt32) && nothing_quantised_behind(result)) {
        plan_.nodes[unit.nodes.back()].high_precision = true;
        const std::vector<const Node*> behind = readers_behind(flow_, result);
        Reason why("high-precision output: only nodes on the CPU follow" +
                   (behind.empty() ? "" : fmt::format(", first {}", name_of(*behind.front()))));
        for (const Node* reader : behind) add_device_of(*reader, why);
        if (keeps_high) why.add(high_precision);
        return left_to_rules(std::move(why));
      }
    }
    Decision decision;
    decision.spec.precision = holds->precision();
    const std::string narrow = narrowed(result, decision.spec.precision);
    const std::string what = unit.is_composite() ? fmt::format("output of {}", name_of(unit))
                             : unit.nodes.size() > 1
                                 ? fmt::format("output of unit {}", unit.pattern)
                                 : fmt::format("output of {}", name_of(*unit.nodes.front()));
    settle_aspects(result, decision, [&](Aspect aspect) { return settings_.find(unit, aspect); });
    decision.because =
        because("{} ({}){}{}{}", what, *holds, decision.because, in_quantised_tail(unit), narrow);
    // Were it float, so would be a high-precision output.
    if (!setting.where.file.empty()) decision.because.add(setting);
    decision.because.add(keepers);
    decision.takes_output = result.is_graph_output();
    plan_.values.emplace(&result, std::move(decision));
    made_quantised_.insert(&result);
  }

  /// Why the target runs the only reader of the result on the CPU; null: it does not.
  const std::string* feeds_tail_relu(const Value& result) const {
    if (!result.has_single_use()) return nullptr;
    const Unit* reader = plan_.unit_of(*result.uses()[0].node);
    return reader && !reader->on_cpu.empty() ? &reader->on_cpu : nullptr;
  }

  /// The stub behind which everything stands that reads the value, over passive operators; null: something
  /// else reads it too.
  const Setting* stub_behind(const Value& value) const {
    const Setting* stub = nullptr;
    const bool all = all_behind(flow_, value, [&](const Node& node) {
      const Setting* skip = settings_.skip(node);
      if (!skip || skip->selector.kind != Selector::Kind::kOutside) return false;
      stub = skip;
      return true;
    });
    return all ? stub : nullptr;
  }

  // ------------------------------------------------------------------------------- who reads quantised

  /// What a quantised unit made exists only quantised, so every node reads it so; the user's inputs and what
  /// the CPU made exist as float too, which the CPU reads.
  void settle_reads(const Node& node) {
    const OpTraits& traits = flow_.traits(node);
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      const Value* value = node.input(i);
      if (!value) continue;
      const bool quantiser = traits.op_class == OpClass::kQuantised && traits.is_data(i);
      const bool quantised = made_quantised_.contains(value) || plan_.same_as.contains(value);
      if (quantised && !quantiser) add(plan_.nodes[&node].quantised_inputs, i);
    }
    if (traits.op_class != OpClass::kPassive || traits.data.empty()) return;
    const Value* data = node.input(traits.data.front());
    if (!data) return;
    const Node* before = flow_.of(*data).through;
    if (made_quantised_.contains(data) || (before && nodes_.moving.contains(before))) {
      nodes_.moving.insert(&node);
    }
    if (!nodes_.moving.contains(&node)) return;
    for (std::size_t i = 0; i < node.output_count(); ++i) {
      const ValueFlow& flow = flow_.of(node.output(i));
      if (flow.through == &node) plan_.same_as.emplace(&node.output(i), flow.root);
    }
  }

  const DataFlow& flow_;
  const WeightDecisions& weights_;
  const NodeSettings& settings_;
  const March* march_;
  const TargetJudge& target_;
  const UnitObjections objections_;
  Plan& plan_;
  QuantisedNodes nodes_;
  NarrowTensors narrow_;
  std::vector<ChannelsAsked> asked_for_channels_;
  NumberedSet<Value> made_quantised_;  // results of quantised units that have a FakeQuantize
};

}  // namespace

QuantisedNodes place(const DataFlow& flow, const WeightDecisions& weights, const NodeSettings& settings,
                     const March* march, const TargetJudge& target, Plan& plan) {
  return Placement(flow, weights, settings, march, target, plan).run();
}

bool moves_quantised_already(const DataFlow& flow, const Node& node) {
  const OpTraits& traits = flow.traits(node);
  if (traits.op_class != OpClass::kPassive || traits.data.empty()) return false;
  const Value* data = node.input(traits.data.front());
  const ValueFlow& result = flow.of(node.output(0));
  if (!data || !result.through) return false;
  const Node* maker = flow.of(*data).root->producer();
  return result.quantiser || (maker && flow.traits(*maker).op_class == OpClass::kQuantised);
}

}  // namespace qprep
