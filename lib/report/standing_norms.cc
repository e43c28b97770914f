#include "report/standing_norms.h"

#include <string_view>

#include "ir/walk.h"
#include "report/by_reason.h"

namespace qprep {

std::unordered_map<const Node*, const StandingNorm*> standing_norms(const Model& model, const Plan& plan) {
  std::unordered_map<std::string_view, const StandingNorm*> by_label;
  for (const StandingNorm& each : model.standing_norms) by_label.insert_or_assign(each.label, &each);
  std::unordered_map<const Node*, const StandingNorm*> standing;
  if (by_label.empty()) return standing;
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    const Unit* unit = plan.unit_of(*node);
    if (unit && unit->nodes.front() != node && !unit->is_composite()) continue;
    if (const auto at = by_label.find(node->label()); at != by_label.end()) {
      standing.emplace(node, at->second);
    }
  }
  return standing;
}

namespace {

/// Why it is in no layer, and, where nothing but the graph keeps it from that, that it runs on the BPU.
std::string sentence_of(const Node& node, const StandingNorm& norm, const Plan& plan) {
  const NodePlan* entry = plan.of(node);
  const bool runs = !norm.foldable && node.is("Conv") && entry && entry->device == Device::kBpu;
  return runs ? norm.because + "; it runs on the BPU all the same, as a Conv" : norm.because;
}

}  // namespace

std::vector<ReportStandingNorms> standing_norm_rows(const Model& model, const Plan& plan) {
  const auto standing = standing_norms(model, plan);
  if (standing.empty()) return {};
  ByReason could, could_not;
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    const auto at = standing.find(node);
    if (at == standing.end() || node->is("Add")) continue;  // its Mul stands for both
    (at->second->foldable ? could : could_not).add("", sentence_of(*node, *at->second, plan), node->label());
  }
  std::unordered_map<std::string_view, std::string> sentences;
  for (const auto& [node, norm] : standing) {
    sentences.emplace(node->label(), sentence_of(*node, *norm, plan));
  }
  std::vector<ReportStandingNorms> rows;
  for (auto& [of, why, names] : could.rows()) rows.push_back({why, names, true});
  for (auto& [of, why, names] : could_not.rows()) rows.push_back({why, names, false});
  for (ReportStandingNorms& row : rows) {
    if (sentences.at(row.nodes.front()) == row.because) continue;  // which no names were taken from
    for (const std::string& name : row.nodes) row.each.emplace_back(sentences.at(name));
  }
  return rows;
}

}  // namespace qprep
