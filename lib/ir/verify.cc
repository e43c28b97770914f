#include "ir/verify.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_set>

namespace qprep {
namespace {

class Verifier {
 public:
  std::vector<std::string> problems;

  void check(const Graph& graph) {
    std::unordered_set<std::string_view> names;
    std::vector<const Value*> defined;
    const auto define = [&](const Value& value, std::string_view where) {
      if (&value.graph() != &graph) report("{}: '{}' belongs to another graph", where, value.name());
      if (value.name().empty()) {
        if (!value.is_unused()) report("{}: a used value has no name", where);
        return;
      }
      if (!names.insert(value.name()).second)
        report("{}: the name '{}' is defined twice", where, value.name());
      check_uses(value);
      defined.push_back(&value);
      visible_.insert(&value);
    };

    for (const Value* input : graph.inputs()) define(*input, "graph input");
    for (const Value* initializer : graph.initializers()) {
      if (!initializer->is_graph_input()) define(*initializer, "initializer");
    }
    for (const Node& node : graph.nodes()) {
      check_inputs(node);
      for (const Graph* body : node.bodies()) {
        if (body->holder() != &node) report("node '{}': a body does not know its holder", node.label());
        check(*body);
      }
      for (std::size_t i = 0; i < node.output_count(); ++i) define(node.output(i), node.label());
    }
    for (const Value* output : graph.outputs()) {
      if (!visible_.contains(output)) report("graph output '{}' is not defined", output->name());
      if (!output->is_graph_output())
        report("graph output '{}' does not know that it is one", output->name());
    }
    for (const Value* value : defined) visible_.erase(value);
  }

 private:
  template <typename... Args>
  void report(fmt::format_string<Args...> format, Args&&... args) {
    problems.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  void check_inputs(const Node& node) {
    for (std::size_t i = 0; i < node.input_count(); ++i) {
      const Value* value = node.input(i);
      if (!value) continue;
      if (!visible_.contains(value)) {
        report("node '{}' reads '{}' before it is defined", node.label(), value->name());
      }
      ++reads_[value];
    }
  }

  void check_uses(const Value& value) {
    for (const Use& use : value.uses()) {
      if (use.node->input(use.input) != &value) {
        report("'{}' lists node '{}' as a reader, which it is not", value.name(), use.node->label());
      }
    }
    used_.push_back(&value);
  }

 public:
  void check_counts() {
    for (const Value* value : used_) {
      const auto at = reads_.find(value);
      const std::size_t reads = at == reads_.end() ? 0 : at->second;
      if (reads != value->uses().size()) {
        report("'{}' lists {} readers, but has {}", value->name(), value->uses().size(), reads);
      }
    }
  }

 private:
  std::unordered_set<const Value*> visible_;
  std::unordered_map<const Value*, std::size_t> reads_;
  std::vector<const Value*> used_;
};

}  // namespace

std::vector<std::string> verify(const Model& model) {
  Verifier verifier;
  verifier.check(*model.graph);
  for (const Function& function : model.functions) verifier.check(*function.body);
  verifier.check_counts();
  return std::move(verifier.problems);
}

}  // namespace qprep
