#include "opset/raise_opset.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "opset/steps.h"
#include "support/codes.h"

namespace qprep {
namespace {

// Below this version a Constant takes only a whole tensor, not a list that a function's caller gives.
constexpr std::int64_t kConstantTakesLists = 12;

// From IR 4 on, initializers need not be inputs of the graph: what adapters make is not.
constexpr std::int64_t kFreeInitializers = 4;

using StepsOfOneVersion = std::unordered_map<std::string_view, const Step*>;

// The steps by the version that they lead to.
const std::map<std::int64_t, StepsOfOneVersion>& steps_by_version() {
  static const auto kByVersion = [] {
    std::map<std::int64_t, StepsOfOneVersion> by_version;
    for (const Step& step : retired_steps()) by_version[step.to][step.op] = &step;
    for (const Step& step : steps()) by_version[step.to][step.op] = &step;
    return by_version;
  }();
  return kByVersion;
}

// The key of ONNX's own operator set, which has two names.
std::string opset_key(const Opsets& opsets) {
  return opsets.contains("ai.onnx") && !opsets.contains("") ? "ai.onnx" : "";
}

std::int64_t onnx_version(const Opsets& opsets) {
  const auto at = opsets.find(opset_key(opsets));
  return at == opsets.end() ? 0 : at->second;
}

void collect_nodes(const Graph& graph, std::vector<const Node*>& nodes) {
  for (const Node& node : graph.nodes()) {
    nodes.push_back(&node);
    for (const Graph* body : node.bodies()) collect_nodes(*body, nodes);
  }
}

class Raiser {
 public:
  Raiser(Model& model, std::int64_t target) : model_(model), target_(target) {
    for (const Function& function : model.functions) {
      if (function.domain.empty() || function.domain == "ai.onnx") own_operators_.insert(function.name);
    }
  }

  void raise(Graph& graph, std::int64_t from, const FunctionScope& scope) {
    for (const auto& [version, steps] : steps_by_version()) {
      if (version > from && version <= target_) raise_one(graph, version, steps, scope);
    }
  }

  // Result: the function's body is raised to the target, if it is older.
  void raise(Function& function) {
    const std::int64_t from = onnx_version(function.opsets);
    if (from == 0 || from >= target_) return;
    raise(*function.body, from, scope_of(function, from));
    function.opsets[opset_key(function.opsets)] = target_;
  }

  std::vector<Diagnostic>& refusals() { return refusals_; }

  std::vector<PutIn> put_in() const {
    std::vector<const Node*> nodes;
    collect_nodes(*model_.graph, nodes);
    std::vector<PutIn> all;
    for (const Node* node : nodes) {
      const auto owner = owners_.find(node);
      if (owner != owners_.end()) all.push_back({node->label(), node->op(), owner->second->label()});
    }
    return all;
  }

  void erase_superfluous() {
    std::unordered_map<Graph*, std::unordered_set<Value*>> by_graph;
    for (Value* value : superfluous_) {
      if (value->is_unused()) by_graph[&value->graph()].insert(value);
    }
    for (const auto& [graph, values] : by_graph) graph->erase_initializers(values);
  }

 private:
  // The bodies of a node are raised before it, and nodes that adapters make are of the new version.
  void raise_one(Graph& graph, std::int64_t version, const StepsOfOneVersion& steps,
                 const FunctionScope& scope) {
    std::vector<Node*> nodes;
    for (Node& node : graph.nodes()) nodes.push_back(&node);
    for (Node* node : nodes) {
      for (Graph* body : node->bodies()) raise_one(*body, version, steps, scope);
      if (!node->is_onnx_domain() || own_operators_.contains(node->op())) continue;
      const auto at = steps.find(node->op());
      if (at != steps.end() && at->second->adapt && !refused_.contains(node))
        adapt(*node, *at->second, scope);
    }
  }

  void adapt(Node& node, const Step& step, const FunctionScope& scope) {
    try {
      Adaptation adaptation(node, scope, superfluous_);
      step.adapt(adaptation);
      const auto owner = owners_.find(&node);
      const Node* made_for = owner == owners_.end() ? &node : owner->second;
      for (const Node* made : adaptation.made()) owners_.emplace(made, made_for);
    } catch (const Refusal& refusal) {
      refused_.insert(&node);
      refusals_.push_back(
          {Severity::kError,
           codes::kOpsetRaise,
           fmt::format("node '{}': {} of opset {} cannot be raised to {}: {}; {}", node.label(), step.op,
                       step.from, step.to, refusal.why, refusal.advice),
           {model_.file}});
    }
  }

  FunctionScope scope_of(const Function& function, std::int64_t from) {
    FunctionScope scope;
    scope.function = &function;
    if (from < kConstantTakesLists) return scope;
    std::vector<const Node*> inner;
    collect_nodes(*function.body, inner);
    for (const Node* node : inner) {
      for (const Attribute& attribute : node->attributes()) {
        if (!attribute.reference.empty() && is_certain(function, attribute.reference)) {
          scope.certain_attributes.insert(attribute.reference);
        }
      }
    }
    return scope;
  }

  bool is_certain(const Function& function, const std::string& attribute) {
    const std::vector<std::string>& without_default = function.attributes;
    if (std::find(without_default.begin(), without_default.end(), attribute) == without_default.end())
      return true;
    const std::vector<const Node*>& calls = calls_of(function);
    return std::all_of(calls.begin(), calls.end(), [&](const Node* call) {
      const Attribute* given = call->attribute(attribute);
      return given && given->reference.empty();
    });
  }

  const std::vector<const Node*>& calls_of(const Function& function) {
    if (calls_.empty()) {
      std::vector<const Node*> nodes;
      collect_nodes(*model_.graph, nodes);
      for (const Function& other : model_.functions) collect_nodes(*other.body, nodes);
      for (const Node* node : nodes) calls_[model_.function_of(*node)].push_back(node);
    }
    return calls_[&function];
  }

  Model& model_;
  std::int64_t target_;
  std::unordered_set<std::string_view> own_operators_;  // of the default domain, but functions of the model
  std::unordered_map<const Function*, std::vector<const Node*>> calls_;  // null: no function
  std::unordered_set<const Node*> refused_;
  std::unordered_map<const Node*, const Node*> owners_;  // of what adapters made: whom it helps
  std::vector<Diagnostic> refusals_;
  std::vector<Value*> superfluous_;
};

}  // namespace

void raise_opset(Model& model, std::int64_t target, Diagnostics& diagnostics, std::vector<PutIn>* put_in) {
  if (target > kNewestOpset) throw std::logic_error("raise_opset: an operator set that is not known");
  // IR 1 and 2 had no imports: everything is of opset 1.
  const bool implied = model.ir_version < 3 && model.opset() == 0;
  const std::int64_t from = implied ? 1 : model.opset();
  if (target <= from) return;

  raise_ir_version(model, std::max(ir_version_for_opset(target), kFreeInitializers), diagnostics);
  Raiser raiser(model, target);
  if (from > 0) raiser.raise(*model.graph, from, {});
  for (Function& function : model.functions) raiser.raise(function);
  if (!raiser.refusals().empty()) throw Fatal(std::move(raiser.refusals()));
  raiser.erase_superfluous();
  if (put_in) std::ranges::move(raiser.put_in(), std::back_inserter(*put_in));
  model.opsets[opset_key(model.opsets)] = target;
}

}  // namespace qprep
