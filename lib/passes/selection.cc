#include "passes/selection.h"

#include <algorithm>
#include <fmt/format.h>
#include <re2/re2.h>

#include "config/selector.h"
#include "support/text.h"

namespace qprep {

Selection::Selection(const Model& model) {
  std::size_t position = 0;
  for (const Value* input : model.graph->inputs()) {
    if (!input->initializer()) add(input->name(), {nullptr, input, position++});
  }
  for (const Node& node : model.graph->nodes()) {
    const Target target{&node, nullptr, position++};
    add(node.label(), target);
    for (const std::string& absorbed : node.absorbed()) add(absorbed, target);
    for (std::size_t i = 0; i < node.output_count(); ++i) add(node.output(i).name(), target);
    by_type_[node.op()].push_back(target);
  }
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.first < b.first; });
}

void Selection::add(std::string_view name, const Target& target) {
  if (!name.empty()) entries_.emplace_back(path_of(name), target);
}

Selection::Match Selection::find(const Selector& selector) const {
  std::vector<Target> found;
  if (selector.kind == Selector::Kind::kType) {
    const auto at = by_type_.find(selector.text);
    if (at != by_type_.end()) found = at->second;
  } else if (selector.kind == Selector::Kind::kExact) {
    find_path(path_of(selector.text), found);
  } else {
    find_scope(path_of(selector.text), found);
    if (found.empty() && is_pattern(selector.text)) find_pattern(selector, found);
  }
  const auto before = [](const Target& a, const Target& b) { return a.position < b.position; };
  std::sort(found.begin(), found.end(), before);
  const auto same = [](const Target& a, const Target& b) { return a.position == b.position; };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  Match match;
  for (const Target& target : found) {
    if (target.node) match.nodes.push_back(target.node);
    if (target.input) match.inputs.push_back(target.input);
  }
  return match;
}

void Selection::find_path(const std::string& path, std::vector<Target>& found) const {
  const auto by_path = [](const Entry& entry, const std::string& wanted) { return entry.first < wanted; };
  for (auto at = std::lower_bound(entries_.begin(), entries_.end(), path, by_path);
       at != entries_.end() && at->first == path; ++at) {
    found.push_back(at->second);
  }
}

/// What has this path, and what lies in the scope of this path.
void Selection::find_scope(const std::string& path, std::vector<Target>& found) const {
  find_path(path, found);
  const auto by_path = [](const Entry& entry, const std::string& wanted) { return entry.first < wanted; };
  const std::string scope = path + '.';
  for (auto at = std::lower_bound(entries_.begin(), entries_.end(), scope, by_path);
       at != entries_.end() && at->first.starts_with(scope); ++at) {
    found.push_back(at->second);
  }
}

void Selection::find_pattern(const Selector& selector, std::vector<Target>& found) const {
  const auto regex = regex_of(selector.text);
  for (const auto& [path, target] : entries_) {
    if (RE2::FullMatch(path, *regex)) found.push_back(target);
  }
}

std::string Selection::why_nothing(const Selector& selector) const {
  std::vector<std::string> candidates;
  if (selector.kind == Selector::Kind::kType) {
    for (const auto& [type, targets] : by_type_) candidates.push_back(type);
    return fmt::format("no node of the model is a {}{}; there are {}", selector.text,
                       did_you_mean(selector.text, candidates), join(candidates, ", "));
  }
  if (selector.kind == Selector::Kind::kName && is_pattern(selector.text))
    return fmt::format("no node or tensor of the model matches '{}'", selector.text);
  const std::string path = path_of(selector.text);
  for (const auto& [known, target] : entries_) {
    candidates.push_back(known);
    for (std::size_t dot = known.find('.'); dot != std::string::npos; dot = known.find('.', dot + 1)) {
      candidates.push_back(known.substr(0, dot));
    }
  }
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  return fmt::format("no node, tensor or scope of the model is called '{}'{}", selector.text,
                     did_you_mean(path, candidates));
}

}  // namespace qprep
