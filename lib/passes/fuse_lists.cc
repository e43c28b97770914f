#include "passes/fuse_lists.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "config/quote.h"
#include "ir/walk.h"
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

bool any_reads(const std::vector<const Node*>& nodes, const std::vector<const Node*>& others) {
  return std::any_of(nodes.begin(), nodes.end(), [&](const Node* node) {
    return std::any_of(others.begin(), others.end(), [&](const Node* other) { return reads(*node, *other); });
  });
}

/// A node that reads what one of a later name makes, and that one, where no node of the later name reads one
/// of the earlier.
std::optional<std::pair<const Node*, const Node*>> reversed_pair(const FuseLists::Members& members) {
  for (std::size_t j = 1; j < members.named.size(); ++j) {
    for (std::size_t i = j; i-- > 0;) {
      if (any_reads(members.named[j], members.named[i])) continue;
      for (const Node* early : members.named[i]) {
        for (const Node* late : members.named[j]) {
          if (reads(*early, *late)) return std::pair(early, late);
        }
      }
    }
  }
  return std::nullopt;
}

/// The list with its names in the order of the graph.
FuseList in_order_of_data(const FuseLists::Members& members) {
  std::vector<std::pair<std::size_t, std::size_t>> places;  // of the first node of each name, and the name's
  for (std::size_t i = 0; i < members.named.size(); ++i) {
    const auto& nodes = members.named[i];
    const auto first = std::find_if(members.nodes.begin(), members.nodes.end(), [&](const Node* node) {
      return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
    });
    places.emplace_back(first - members.nodes.begin(), i);
  }
  std::sort(places.begin(), places.end());
  FuseList ordered{{}, members.list->where};
  for (const auto& [place, name] : places) ordered.names.push_back(members.list->names[name]);
  return ordered;
}

}  // namespace

bool reads(const Node& node, const Node& other) {
  const std::vector<Value*> inputs = node.inputs();
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const Value* input) { return input && input->producer() == &other; });
}

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
  for (const Node* node : nodes_with_bodies(*model.graph)) places.emplace(node, places.size());

  std::size_t at = 0;
  for (const FuseList& list : fusing.lists) {
    Members members{&list, {}, {}};
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
      members.named.push_back(match.nodes);
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

bool FuseLists::join(const std::vector<const Node*>& nodes) const {
  return std::all_of(nodes.begin(), nodes.end(),
                     [&](const Node* node) { return join(*nodes.front(), *node); });
}

void FuseLists::check_order(Diagnostics& diagnostics) const {
  for (const Members& members : lists_) {
    const auto mistake = reversed_pair(members);
    if (!mistake) continue;
    const auto& [early, late] = *mistake;
    diagnostics.error(
        codes::kFuseList,
        fmt::format("{} is no sequence: {} does not read what {} makes, but makes what that reads; in "
                    "the order of the data it is {}",
                    to_text(*members.list), name_of(*late), name_of(*early),
                    to_text(in_order_of_data(members))),
        members.list->where);
  }
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
