#include "passes/target_judge.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "config/march.h"
#include "ir/name_of.h"
#include "passes/foldable_constant.h"
#include "passes/reduced_axes.h"
#include "support/text.h"

namespace qprep {
namespace {

DType dtype_of(Precision precision) {
  switch (precision) {
    case Precision::kInt8:
      return DType::kInt8;
    case Precision::kInt16:
      return DType::kInt16;
    case Precision::kInt32:
      return DType::kInt32;
    case Precision::kFloat32:
      break;
  }
  return DType::kFloat32;
}

std::optional<DType> dtype_of(const std::optional<Precision>& precision) {
  return precision ? std::optional(dtype_of(*precision)) : std::nullopt;
}

bool holds(const std::vector<DType>& formats, Precision precision) {
  return formats.empty() || std::ranges::find(formats, dtype_of(precision)) != formats.end();
}

void append(std::vector<std::string>& texts, const std::vector<std::string>& more) {
  for (const std::string& text : more) {
    if (std::ranges::find(texts, text) == texts.end()) texts.push_back(text);
  }
}

/// "Add 'a', 'b' and Div 'c'".
std::string names_of(const std::vector<const Node*>& nodes) {
  std::string text;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (i > 0) text += i + 1 == nodes.size() ? " and " : ", ";
    const bool like_before = i > 0 && nodes[i]->op() == nodes[i - 1]->op();
    text += like_before ? fmt::format("'{}'", nodes[i]->label()) : name_of(*nodes[i]);
  }
  return text;
}

/// Of parts of a composite operator that are as one of them is, which was told. `all`: there are no more.
std::string said_of_others(const std::vector<const Node*>& parts, bool all, Verdict verdict) {
  constexpr std::size_t kMostNamed = 4;  // where the unit's own list names them
  const bool broken = verdict == Verdict::kBroken;
  if (all && parts.size() > kMostNamed) {
    return broken ? "none of its other parts can run there either"
                  : "all its other parts have limits that are open";
  }
  if (broken) return names_of(parts) + " cannot run there either";
  return fmt::format("{} {} limits that are open", names_of(parts), parts.size() == 1 ? "has" : "have");
}

}  // namespace

std::vector<const Node*> nodes_behind_layer(const Unit& unit, const OpClasses& classes) {
  if (unit.nodes.size() < 2 || unit.is_composite() ||
      classes.of(*unit.nodes.front()).op_class != OpClass::kGemmLike) {
    return {};
  }
  // The head ends with the Add of its bias, if it has one.
  const auto adds_bias = [&unit](const Node* node) {
    const std::vector<Value*> inputs = node->inputs();
    return unit.bias && std::ranges::find(inputs, unit.bias) != inputs.end();
  };
  const auto bias = std::ranges::find_if(unit.nodes, adds_bias);
  return {bias == unit.nodes.end() ? unit.nodes.begin() + 1 : bias + 1, unit.nodes.end()};
}

TargetJudge::TargetJudge(const OpClasses& classes, const March* march, std::int64_t opset)
    : classes_(classes),
      table_(march && !march->capabilities.rows.empty() ? &march->capabilities : nullptr),
      opset_(opset) {}

const Capability* TargetJudge::row_of(const Node& node) const { return table_ ? table_->of(node) : nullptr; }

const Capability* TargetJudge::row_of(const Unit& unit) const {
  if (!table_ || !unit.is_composite()) return nullptr;
  const auto row = table_->rows.find(unit.pattern);
  return row != table_->rows.end() && may_run_on_bpu(row->second.runs) ? &row->second : nullptr;
}

Situation TargetJudge::situation_of(const Node& node, const Asked& asked) const {
  Situation situation;
  situation.opset = opset_;
  situation.data.clear();
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    if (node.input(i) && classes_.of(node).is_data(i)) situation.data.push_back(i);
  }
  situation.input = dtype_of(asked.input);
  situation.weight = dtype_of(asked.weight);
  situation.output = dtype_of(asked.output);
  situation.fused = false;
  situation.feeds_shortcut_add = false;
  situation.last_of_segment = asked.last_of_segment;
  return situation;
}

/// The node goes where a layer that the target runs takes in its constant.
std::vector<std::string> TargetJudge::without_constant(const Node& node) const {
  const Node* layer = layer_for_constant(node);
  if (!layer || judge(*table_, *layer, situation_of(*layer, {})).verdict == Verdict::kBroken) return {};
  return {fmt::format("fold its constant into {}", name_of(*layer))};
}

std::string TargetJudge::as_it_can(std::string remedy) const {
  const auto row = table_->rows.find("Reshape");
  const bool reshapes =
      row == table_->rows.end() || row->second.runs == RunsOn::kGone || may_run_on_bpu(row->second.runs);
  if (!reshapes && remedy.starts_with(kReshapeToRank)) remedy.replace(0, kReshapeToRank.size(), kKeepRank);
  return remedy;
}

void TargetJudge::add(const Node& node, const Situation& situation, bool by_name, Judgement& all) const {
  Judgement judgement = judge(*table_, node, situation);
  const bool only_if_asked = judgement.runs == RunsOn::kManual && !by_name;
  if (only_if_asked && !judgement.remedies.empty()) judgement.remedies.emplace_back(kAskForBpu);
  if (judgement.by_constant) judgement.remedies = without_constant(node);
  for (std::string& remedy : judgement.remedies) remedy = as_it_can(std::move(remedy));
  if (only_if_asked && judgement.verdict != Verdict::kBroken) {
    judgement.verdict = Verdict::kBroken;
    judgement.reasons = {
        fmt::format("{} runs {} on the CPU unless it is asked for the BPU, as by 'qconfig_setter: "
                    "[{{module_type: {{{}: {}}}}}]'",
                    table_->march, node.op(), node.op(), makes(node, Precision::kInt8) ? "qint8" : "qint16")};
    judgement.remedies = {std::string(kAskForBpu)};
  }
  if (judgement.verdict == Verdict::kHolds) return;
  const bool is_open = judgement.leaves_open && !judgement.by_constant;
  all.leaves_open = all.leaves_open || is_open || judgement.verdict == Verdict::kUndecided;
  // What is broken hides what is not known.
  if (judgement.verdict == Verdict::kUndecided && all.verdict == Verdict::kBroken) return;
  if (judgement.verdict == Verdict::kBroken && all.verdict != Verdict::kBroken) all.reasons.clear();
  all.verdict = judgement.verdict;
  append(all.reasons, judgement.reasons);
  append(all.remedies, judgement.remedies);
}

/// A limit speaks of a node, so one is made for it, of what enters the operator and what it makes.
Judgement TargetJudge::of_operator(const Unit& composite, const Asked& asked) const {
  const Node& last = *composite.nodes.back();
  Names names;
  Graph graph(names, nullptr);
  NodeSpec spec{.op = composite.pattern, .outputs = {last.output(0).name()}, .name = last.label()};
  for (const Value* operand : composite.operands) {
    spec.inputs.push_back(&graph.add_input(operand->name(), operand->type()));
  }
  Node& whole = graph.insert(nullptr, std::move(spec));
  whole.output(0).set_type(last.output(0).type());
  if (last.output(0).is_graph_output()) graph.add_output(whole.output(0));
  for (const Node* part : composite.nodes) {
    const std::optional<AxesOfReduction> reduced = axes_of_reduction(*part);
    if (reduced && reduced->axes.size() == 1) whole.set_attribute("axis", reduced->axes.front());
  }
  Judgement judgement;
  add(whole, situation_of(whole, asked), asked.by_name, judgement);
  return judgement;
}

Judgement TargetJudge::of(const Unit& unit, const Asked& asked) const {
  Judgement all;
  if (!table_) return all;
  if (unit.is_composite()) {
    if (row_of(unit)) return of_operator(unit, asked);
    std::vector<const Node*> others;
    std::size_t judged = 0;
    bool leaves_open = false;
    for (const Node* node : unit.nodes) {
      if (classes_.of(*node).op_class == OpClass::kInteger || node->is("Constant")) continue;
      ++judged;
      Judgement part;
      add(*node, situation_of(*node, asked), asked.by_name, part);
      leaves_open = leaves_open || part.leaves_open;
      if (part.verdict == Verdict::kHolds ||
          (part.verdict == Verdict::kUndecided && all.verdict == Verdict::kBroken))
        continue;
      if (part.verdict != all.verdict) {
        all = {};
        others.clear();
        all.reasons = {fmt::format("its part {}: {}", name_of(*node), part.reasons.front())};
      } else {
        others.push_back(node);
      }
      all.verdict = part.verdict;
      append(all.remedies, part.remedies);
    }
    all.leaves_open = leaves_open;
    // What would bring one of several parts there leaves the others on the CPU.
    if (!others.empty()) {
      all.remedies.clear();
      all.reasons.push_back(said_of_others(others, others.size() + 1 == judged, all.verdict));
    }
    return all;
  }
  const std::vector<const Node*> behind = nodes_behind_layer(unit, classes_);
  Situation first = situation_of(*unit.nodes.front(), asked);
  first.feeds_shortcut_add = !unit.addends.empty();
  add(*unit.nodes.front(), first, asked.by_name, all);
  for (const Node* node : behind) {
    Situation inside = situation_of(*node, asked);
    inside.fused = true;
    add(*node, inside, asked.by_name, all);
  }
  return all;
}

Judgement TargetJudge::of_single(const Node& node) const {
  Judgement judgement;
  const bool moves_anywhere = table_ && table_->others == RunsOn::kFloat && !row_of(node);
  if (table_ && !moves_anywhere) add(node, situation_of(node, {}), true, judgement);
  if (const Capability* row = row_of(node)) judgement.runs = row->runs;
  return judgement;
}

std::string TargetJudge::refusal_inside(const Node& node) const {
  if (!table_) return "";
  Judgement judgement;
  Situation inside = situation_of(node, {});
  inside.fused = true;
  add(node, inside, true, judgement);
  return judgement.verdict == Verdict::kBroken ? reasons_of(judgement) : "";
}

std::string TargetJudge::refusal_inside(const Unit& composite) const {
  if (!table_) return "";
  Judgement judgement;
  for (const Node* node : composite.nodes) {
    Situation inside = situation_of(*node, {});
    inside.fused = true;
    add(*node, inside, false, judgement);
  }
  return judgement.verdict == Verdict::kBroken ? reasons_of(judgement) : "";
}

bool TargetJudge::takes(const Node& node, Precision precision) const {
  const Capability* row = row_of(node);
  return !row || holds(row->input, precision);
}
bool TargetJudge::weighs(const Node& node, Precision precision) const {
  const Capability* row = row_of(node);
  return !row || holds(row->weight, precision);
}
bool TargetJudge::makes(const Node& node, Precision precision) const {
  const Capability* row = row_of(node);
  return !row || holds(row->output, precision);
}

bool TargetJudge::takes(const Unit& unit, const Node& reader, Precision precision) const {
  const Capability* row = row_of(unit);
  return row ? holds(row->input, precision) : takes(reader, precision);
}
bool TargetJudge::makes(const Unit& unit, Precision precision) const {
  const Capability* row = row_of(unit);
  return row ? holds(row->output, precision)
             : makes(unit.is_composite() ? *unit.nodes.back() : *unit.nodes.front(), precision);
}

std::string reasons_of(const Judgement& judgement) { return join(judgement.reasons, "; "); }
std::string remedies_of(const Judgement& judgement) {
  const std::string remedies = join(judgement.remedies, "; ");
  const bool of_limits = !remedies.empty() && remedies != kAskForBpu;
  return judgement.verdict == Verdict::kBroken && judgement.leaves_open && of_limits
             ? remedies + "; its open sizes are not judged"
             : remedies;
}

}  // namespace qprep
