#include "passes/composite_matcher.h"

#include <algorithm>
#include <set>
#include <utility>

#include "ir/walk.h"
#include "passes/composite_ops.h"

namespace qprep {
namespace {

std::string key_of(const std::string& last, const std::string& before) {
  return before.empty() ? last : last + " " + before;
}

/// Nodes beside each other that may stand between two of a pattern.
constexpr int kMostBetween = 8;

/// The operators that may make the first result that the last statement reads; "" if it reads none.
std::vector<std::string> ops_before_last(const CompositePattern& pattern) {
  const std::vector<CompositeOperand>& operands = pattern.steps.back().operands;
  const auto result = std::find_if(operands.begin(), operands.end(), [](const CompositeOperand& operand) {
    return operand.kind == CompositeOperand::Kind::kResult;
  });
  if (result == operands.end()) return {""};
  std::vector<std::string> ops;
  for (const CompositeOp& op : pattern.steps[result->step].any_of) ops.push_back(op.op);
  return ops;
}

/// How long the longest match is whose nodes it shares; 0: it shares none.
using Taken = std::unordered_map<const Node*, std::size_t>;

std::size_t clash(const CompositeMatch& match, const Taken& taken) {
  std::size_t longest = 0;
  for (const Node* node : match.nodes) {
    if (const auto at = taken.find(node); at != taken.end()) longest = std::max(longest, at->second);
  }
  return longest;
}

void take(const CompositeMatch& match, Taken& taken) {
  for (const Node* node : match.nodes) taken[node] = match.nodes.size();
}

/// What a replacement put in belongs to the node that it was put in for, and spells out something with that
/// one, or with what else was put in for it: a batch norm between the Reshapes of two neighbours is no
/// operator of three nodes.
bool is_of_one_owner(const CompositeMatch& match) {
  const std::string& first = match.nodes.front()->made_for();
  if (!first.empty() &&
      std::ranges::all_of(match.nodes, [&](const Node* node) { return node->made_for() == first; })) {
    return true;
  }
  return std::ranges::all_of(match.nodes, [&](const Node* node) {
    const std::string& owner = node->made_for();
    return owner.empty() ||
           std::ranges::any_of(match.nodes, [&](const Node* other) { return other->label() == owner; });
  });
}

void sort_by_place(std::vector<CompositeMatch>& matches) {
  std::stable_sort(matches.begin(), matches.end(), [](const CompositeMatch& a, const CompositeMatch& b) {
    return a.nodes.front()->mark() < b.nodes.front()->mark();
  });
}

}  // namespace

CompositeMatcher::CompositeMatcher(const std::vector<CompositePattern>& patterns, const OpClasses& classes,
                                   Kind kind)
    : classes_(classes), kind_(kind) {
  for (const CompositePattern& pattern : patterns) {
    std::set<std::string> keys;
    for (const std::string& before : ops_before_last(pattern)) {
      for (const CompositeOp& op : pattern.steps.back().any_of) keys.insert(key_of(op.op, before));
    }
    for (const std::string& key : keys) by_last_ops_[key].push_back(&pattern);
    for (const CompositeStep& step : pattern.through) {
      for (const CompositeOp& op : step.any_of) through_.insert(op.op);
    }
  }
}

/// What may be looked through to, if the node is such a one: its data.
const Value* CompositeMatcher::behind(const Node& node) const {
  const bool scales = through_.contains("Mul") && is_scale_as_conv(node);
  if (!handed_on(node) && !scales && !(node.is_onnx_domain() && through_.contains(node.op()))) {
    return nullptr;
  }
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    if (node.input(i) && !constant_of(*node.input(i))) return node.input(i);
  }
  return nullptr;
}

std::vector<const CompositePattern*> CompositeMatcher::candidates(const Node& root) const {
  std::vector<const CompositePattern*> found;
  const auto add = [&](const std::string& before) {
    const auto at = by_last_ops_.find(key_of(root.op(), before));
    if (at != by_last_ops_.end()) found.insert(found.end(), at->second.begin(), at->second.end());
  };
  if (!root.is_onnx_domain()) return found;
  add("");
  for (const Value* value : root.inputs()) {
    for (int i = 0; value && value->producer() && i <= kMostBetween; ++i) {
      const Node& maker = *value->producer();
      if (maker.is_onnx_domain()) add(maker.op());
      value = behind(maker);
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

CompositeMatcher::Found CompositeMatcher::find(const Model& model, const Wanted& wanted) const {
  std::uint64_t position = 0;
  const std::vector<const Node*> nodes = nodes_with_bodies(*model.graph);
  for (const Node* node : nodes) node->set_mark(position++);
  std::vector<CompositeMatch> all;
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    for (const CompositePattern* pattern : candidates(**node)) {
      auto match = CompositeAttempt(*pattern, classes_).match(model, **node, kind_ == Kind::kBlocks);
      if (match && is_of_one_owner(*match) && (!wanted || wanted(*match))) all.push_back(std::move(*match));
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const CompositeMatch& a, const CompositeMatch& b) {
    return a.nodes.size() > b.nodes.size();
  });

  Found found;
  Taken taken;
  for (const bool flawed : {false, true}) {
    for (CompositeMatch& match : all) {
      if (match.flaw.empty() == flawed) continue;
      const std::size_t longest = clash(match, taken);
      if (flawed ? longest >= match.nodes.size() : longest > 0) continue;
      take(match, taken);
      (flawed ? found.flawed : found.matches).push_back(std::move(match));
    }
  }
  sort_by_place(found.matches);
  sort_by_place(found.flawed);
  return found;
}

}  // namespace qprep
