#include "passes/choose_outputs.h"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>
#include <tsl/robin_map.h>
#include <tsl/robin_set.h>
#include <unordered_set>
#include <vector>

#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

/// What nodes make: under the name of the tensor, and all results of a node under its name.
class Results {
 public:
  explicit Results(const Graph& graph) {
    for (const Value* input : graph.inputs()) given_.insert(input->name());
    for (const Value* initializer : graph.initializers()) given_.insert(initializer->name());
    for (const Node& node : graph.nodes()) {
      names_.push_back(node.label());
      std::vector<Value*> all;
      for (std::size_t i = 0; i < node.output_count(); ++i) {
        Value& value = node.output(i);
        if (value.name().empty()) continue;
        all.push_back(&value);
        tensors_.emplace(value.name(), &value);
        names_.push_back(value.name());
      }
      nodes_.emplace(node.label(), std::move(all));
    }
  }

  /// Empty: there is nothing of this name.
  std::vector<Value*> called(const std::string& name) const {
    if (const auto tensor = tensors_.find(name); tensor != tensors_.end()) return {tensor->second};
    const auto node = nodes_.find(name);
    return node == nodes_.end() ? std::vector<Value*>{} : node->second;
  }
  /// Why there is nothing of this name.
  std::string why_not(const std::string& name) const {
    if (given_.contains(name)) return "no node makes it";
    return "no node of the model makes or bears that name" + did_you_mean(name, names_);
  }

 private:
  tsl::robin_map<std::string, Value*> tensors_;
  tsl::robin_map<std::string, std::vector<Value*>> nodes_;
  std::vector<std::string> names_;
  tsl::robin_set<std::string> given_;  // inputs and initializers
};

bool is_unused(const Node& node) {
  for (std::size_t i = 0; i < node.output_count(); ++i) {
    if (!node.output(i).is_unused()) return false;
  }
  return true;
}

GoneNode left_out(const Node& node) {
  GoneNode gone{node.label(), node.op(), {}, {}, "leads to none of the chosen outputs and is left out"};
  for (std::size_t i = 0; i < node.output_count(); ++i) gone.results.push_back(node.output(i).name());
  return gone;
}

/// Result: nodes that lead to no output are gone; how many they were.
std::size_t erase_dead(Model& model) {
  Graph& graph = *model.graph;
  std::size_t count = 0;
  for (auto at = graph.nodes().end(); at != graph.nodes().begin();) {
    Node& node = *std::prev(at);
    if (is_unused(node)) {
      model.gone.push_back(left_out(node));
      graph.erase(node);
      ++count;
    } else {
      --at;
    }
  }
  std::unordered_set<Value*> unread;
  for (Value* value : graph.initializers()) {
    if (value->is_unused() && !value->is_graph_input()) unread.insert(value);
  }
  graph.erase_initializers(unread);
  return count;
}

}  // namespace

void choose_outputs(Model& model, std::span<const Placed<std::string>> names, Diagnostics& diagnostics) {
  if (names.empty()) return;
  const Results results(*model.graph);
  std::vector<Value*> outputs;
  std::vector<std::string> tensors;
  bool fine = true;
  const auto wrong = [&](const Placed<std::string>& name, std::string message) {
    diagnostics.error(codes::kGraphCut, std::move(message), name.where);
    fine = false;
  };
  for (const Placed<std::string>& name : names) {
    const std::vector<Value*> called = results.called(name.value);
    if (called.empty()) {
      wrong(name, fmt::format("'{}' cannot be an output: {}", name.value, results.why_not(name.value)));
    }
    for (Value* value : called) {
      if (std::find(outputs.begin(), outputs.end(), value) != outputs.end()) {
        wrong(name, fmt::format("'{}' is named twice as an output", value->name()));
      } else if (value->type().kind == Type::Kind::kUnknown) {
        wrong(name, fmt::format("'{}' cannot be an output: its type is not known", value->name()));
      }
      outputs.push_back(value);
      tensors.push_back("'" + value->name() + "'");
    }
  }
  if (!fine) return;
  model.graph->set_outputs(outputs);
  const std::size_t count = erase_dead(model);
  const std::string_view left_out = count == 1 ? "node that leads to none of them is left out"
                                               : "nodes that lead to none of them are left out";
  diagnostics.note(codes::kGraphCut,
                   fmt::format("the outputs are {}; {} {}", join(tensors, ", "), count, left_out),
                   names.front().where);
}

}  // namespace qprep
