#include "driver/standing_batch_norms.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "config/fusing.h"
#include "passes/rewriter.h"
#include "support/codes.h"

namespace qprep {
namespace {

constexpr std::string_view kToConv = "batch-norm-to-conv";

/// "batch norm 'bn' and 3 more stay".
std::string sentence(const std::vector<std::string>& labels, std::string_view one, std::string_view several) {
  if (labels.size() == 1) return fmt::format("batch norm '{}' {}", labels.front(), one);
  return fmt::format("batch norm '{}' and {} more {}", labels.front(), labels.size() - 1, several);
}

/// The note without its word on what becomes of the batch norms, which replace-operators decided.
std::string of_folding_only(std::string note) {
  for (const auto& [stays, is_not_folded] :
       {std::pair<std::string_view, std::string_view>{"' stays: ", "' is folded into no layer: "},
        {" more stay: ", " more are folded into no layer: "}}) {
    const std::size_t at = note.find(stays);
    if (at != note.npos) return note.replace(at, stays.size(), is_not_folded);
  }
  return note;
}

}  // namespace

StandingBatchNorms::StandingBatchNorms(Model& model, Diagnostics said) : said_(std::move(said)) {
  for_each_graph(model, [this](Graph& graph) {
    for (const Node& node : graph.nodes()) {
      if (node.is("BatchNormalization")) labels_.push_back(node.label());
    }
  });
}

void StandingBatchNorms::tell(Model& model, Env& env) const {
  const bool fuses_nothing = env.fusing && !env.fusing->fuses_all() && env.fusing->lists.empty();
  const bool to_conv = std::find(env.replace.begin(), env.replace.end(), kToConv) != env.replace.end();
  for (const Diagnostic& each : said_.all()) {
    Diagnostic note = each;
    if (note.code == codes::kBatchNormStays && fuses_nothing) continue;
    if (note.code == codes::kBatchNormStays && to_conv) note.message = of_folding_only(note.message);
    env.diagnostics.add(std::move(note));
  }
  if (labels_.empty()) return;
  const auto note = [&](std::string message) {
    env.diagnostics.note(codes::kBatchNormStays, std::move(message), {model.file});
  };
  if (fuses_nothing) {
    note(fmt::format("{} folded into no layer: the configuration fuses nothing ({})",
                     sentence(labels_, "is", "are"), to_text(*env.fusing->only_lists)));
  }
  if (!to_conv) return;
  std::unordered_map<std::string_view, std::string_view> kept;  // by label, why
  for (const KeptNode& each : model.kept) kept.emplace(each.label, each.because);
  const std::unordered_set<std::string_view> standing(labels_.begin(), labels_.end());
  std::vector<std::string> convs;
  std::vector<std::pair<std::string_view, std::vector<std::string>>> stay;  // for one reason
  for_each_graph(model, [&](Graph& graph) {
    for (const Node& node : graph.nodes()) {
      if (!standing.contains(node.label())) continue;
      if (node.is("Conv")) convs.push_back(node.label());
      const auto why = kept.find(node.label());
      if (why == kept.end()) continue;
      const auto group = std::find_if(stay.begin(), stay.end(),
                                      [&](const auto& known) { return known.first == why->second; });
      if (group == stay.end()) {
        stay.push_back({why->second, {node.label()}});
      } else {
        group->second.push_back(node.label());
      }
    }
  });
  if (!convs.empty())
    note(fmt::format("{}, by {}", sentence(convs, "becomes a Conv", "become a Conv each"), kToConv));
  for (const auto& [because, labels] : stay) {
    note(fmt::format("{}: {}", sentence(labels, "stays", "stay"), because));
  }
}

}  // namespace qprep
