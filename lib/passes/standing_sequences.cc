#include "passes/standing_sequences.h"

#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <utility>

#include "ir/walk.h"

namespace qprep {
namespace {

FusionStep by_constant(std::string op, FusionOperand data) {
  FusionOperand constant;
  constant.kind = FusionOperand::Kind::kConstant;
  return {.any_of = {{.op = std::move(op)}}, .commutative = true, .operands = {std::move(data), constant}};
}

/// What goes on behind a batch norm that is written out: `bn`, and it with each tail.
FusionRules rules_behind(const FusionRules& rules, bool with_add) {
  FusionPattern head{.name = "bn", .steps = {by_constant("Mul", {})}};
  if (with_add) {
    FusionOperand product;
    product.kind = FusionOperand::Kind::kResult;
    head.steps.push_back(by_constant("Add", product));
    head.head = 2;
  }
  FusionParts parts;
  parts.heads = {std::move(head)};
  parts.tails = rules.parts.tails;
  return FusionRules::of(std::move(parts));
}

bool reads(const Node& node, const Value& value) {
  const std::vector<Value*> inputs = node.inputs();
  return std::ranges::find(inputs, &value) != inputs.end();
}

bool still_stands(const Node& node) {
  return node.is("BatchNormalization") || node.is("Mul") || node.is("Add");
}

}  // namespace

StandingSequences::StandingSequences(const Model& model, const FusionRules& rules, const DataFlow& flow,
                                     const std::vector<Unit>& composites, const March* march,
                                     const TargetJudge* target)
    : layers_(rules, flow, composites, march, target),
      of_mul_rules_(rules_behind(rules, false)),
      of_mul_and_add_rules_(rules_behind(rules, true)),
      of_mul_(of_mul_rules_, flow, composites, march, target),
      of_mul_and_add_(of_mul_and_add_rules_, flow, composites, march, target) {
  std::unordered_map<std::string_view, std::string_view> layer_of;
  for (const StandingNorm& each : model.standing_norms) {
    if (each.foldable && !each.layer.empty()) layer_of.emplace(each.label, each.layer);
  }
  if (layer_of.empty()) return;
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    const auto layer = layer_of.find(node->label());
    if (layer != layer_of.end() && still_stands(*node)) norms_[layer->second].push_back(node);
  }
}

std::optional<Unit> StandingSequences::of(const Node& layer, const FusionMatcher::Taken& taken) const {
  const auto known = norms_.find(layer.label());
  if (known == norms_.end()) return std::nullopt;
  const std::vector<const Node*>& norm = known->second;
  const auto is_taken = [&](const Node* node) { return taken.contains(node); };
  if (is_taken(&layer) || std::ranges::any_of(norm, is_taken)) return std::nullopt;
  // What a replacement made of either is told by what they were.
  if (norm.front()->is("Add") || !reads(*norm.front(), layer.output(0))) return std::nullopt;
  const std::string head = layers_.alone(layer);
  Unit unit{.pattern = fmt::format("{}-bn", head.empty() ? layer.op() : head), .nodes = {&layer}};
  unit.nodes.insert(unit.nodes.end(), norm.begin(), norm.end());
  if (!norm.front()->is("Mul")) return unit;
  const FusionMatcher& matcher = norm.size() > 1 ? of_mul_and_add_ : of_mul_;
  const std::optional<Unit> longer = matcher.match(*norm.front(), taken).unit;
  if (longer && longer->nodes.size() > norm.size()) {
    unit.pattern += longer->pattern.substr(std::string_view("bn").size());
    unit.nodes.assign({&layer});
    unit.nodes.insert(unit.nodes.end(), longer->nodes.begin(), longer->nodes.end());
  }
  return unit;
}

}  // namespace qprep
