#include "passes/fuse_lists.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "config/quote.h"
#include "passes/selection.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

Selector selector_of(const Placed<std::string>& name) {
  Selector selector;
  selector.kind = Selector::Kind::kName;
  selector.text = name.value;
  return selector;
}

}  // namespace

FuseLists::FuseLists(const Model& model, const Fusing& fusing) {
  if (fusing.lists.empty()) return;
  const Selection selection(model, nullptr);
  std::vector<Selector> selectors;
  for (const FuseList& list : fusing.lists) {
    for (const Placed<std::string>& name : list.names) selectors.push_back(selector_of(name));
  }
  std::vector<const Selector*> wanted;
  for (const Selector& selector : selectors) wanted.push_back(&selector);
  const std::vector<Selection::Match> matches = selection.find_all(wanted);
  std::unordered_map<const Node*, std::size_t> places;
  for (const Node& node : model.graph->nodes()) places.emplace(&node, places.size());

  std::size_t at = 0;
  for (const FuseList& list : fusing.lists) {
    Members members{&list, {}};
    for (const Placed<std::string>& name : list.names) {
      const Selection::Match& match = matches[at];
      // What a rewrite took out needs no place in a kernel.
      if (match.nodes.empty() && (!match.inputs.empty() || !selection.gone(selectors[at]))) {
        const std::string why =
            match.inputs.empty() ? selection.why_nothing(selectors[at])
                                 : fmt::format("{} is an input of the graph, and no node", quote(name.value));
        mistakes_.push_back({Severity::kError, codes::kNoMatch, why, name.where});
      }
      ++at;
      for (const Node* node : match.nodes) {
        const auto [known, is_new] = list_of_.emplace(node, lists_.size());
        if (is_new) members.nodes.push_back(node);
        if (known->second == lists_.size()) continue;
        mistakes_.push_back(
            {Severity::kError, codes::kFuseList,
             fmt::format("{} names {} '{}', which the list in line {} names already", quote(name.value),
                         node->op(), node->label(), lists_[known->second].list->where.line),
             name.where});
      }
    }
    std::sort(members.nodes.begin(), members.nodes.end(),
              [&](const Node* a, const Node* b) { return places.at(a) < places.at(b); });
    lists_.push_back(std::move(members));
  }
}

bool FuseLists::join(const Node& a, const Node& b) const {
  const auto of_a = list_of_.find(&a), of_b = list_of_.find(&b);
  return of_a != list_of_.end() && of_b != list_of_.end() && of_a->second == of_b->second;
}

void FuseLists::check(Diagnostics& diagnostics) const {
  for (const Diagnostic& mistake : mistakes_) diagnostics.add(mistake);
}

std::string to_text(const FuseList& list) {
  std::vector<std::string> names;
  for (const Placed<std::string>& name : list.names) names.push_back(escaped(name.value));
  return fmt::format("[{}]", join(names, ", "));
}

}  // namespace qprep
