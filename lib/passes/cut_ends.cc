#include "passes/cut_ends.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_set>

#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

class Cutter {
 public:
  Cutter(Model& model, const EndsToCut& ends, Diagnostics& diagnostics)
      : graph_(*model.graph),
        gone_(model.gone),
        ends_(ends),
        diagnostics_(diagnostics),
        left_(ends.nodes.begin(), ends.nodes.end()) {}

  void run() {
    while (cut_one_output() || cut_one_input()) {
    }
    for (const std::string& name : ends_.nodes) {
      if (left_.contains(name)) miss(name);
    }
  }

 private:
  bool is_wanted(const Node& node) const {
    const bool by_type = node.is_onnx_domain() &&
                         std::find(ends_.types.begin(), ends_.types.end(), node.op()) != ends_.types.end();
    return by_type || left_.contains(node.label()) || left_.contains(node.name());
  }

  /// The one input that is no constant; null: there are none or several.
  static Value* data_of(const Node& node) {
    Value* data = nullptr;
    for (Value* input : node.inputs()) {
      if (!input || constant_of(*input)) continue;
      if (data) return nullptr;
      data = input;
    }
    return data;
  }

  bool cut_one_output() {
    for (std::size_t i = 0; i < graph_.outputs().size(); ++i) {
      const Value& output = *graph_.outputs()[i];
      Node* node = output.producer();
      if (!node || !is_wanted(*node) || node->output_count() != 1 || !output.uses().empty()) continue;
      Value* data = data_of(*node);
      if (!data || data->is_graph_input() || data->is_graph_output() || &data->graph() != &graph_) continue;
      const std::string name = output.name();
      graph_.redirect_output(i, *data);
      say(*node, fmt::format("the output '{}'", name));
      graph_.erase(*node);
      return true;
    }
    return false;
  }

  bool cut_one_input() {
    for (Value* input : graph_.inputs()) {
      if (input->initializer() || !input->has_single_use()) continue;
      Node& node = *input->uses().front().node;
      if (&node.graph() != &graph_ || !is_wanted(node) || node.output_count() != 1) continue;
      Value& made = node.output(0);
      const bool known = made.type().kind == Type::Kind::kTensor && made.type().shape;
      if (data_of(node) != input || made.is_graph_output() || !known) continue;
      input->set_type(made.type());
      graph_.replace_uses(made, *input);
      say(node, fmt::format("the input '{}'", input->name()));
      graph_.erase(node);
      return true;
    }
    return false;
  }

  void say(const Node& node, const std::string& end) {
    left_.erase(node.label());
    left_.erase(node.name());
    gone_.push_back({node.label(), node.op(), {}, {}, "was cut off from " + end});
    diagnostics_.note(codes::kGraphCut,
                      fmt::format("{} '{}' is cut off from {}", node.op(), node.label(), end), ends_.where);
  }

  void miss(const std::string& name) {
    std::vector<std::string> names;
    bool exists = false;
    for (const Node& node : graph_.nodes()) {
      names.push_back(node.label());
      exists = exists || node.label() == name || node.name() == name;
    }
    diagnostics_.error(
        codes::kGraphCut,
        exists
            ? fmt::format("'{}' cannot be removed: it does not stand alone between one other tensor and an "
                          "input or output of the model",
                          name)
            : fmt::format("'{}' cannot be removed: the model has no such node{}", name,
                          did_you_mean(name, names)),
        ends_.where);
  }

  Graph& graph_;
  std::vector<GoneNode>& gone_;
  const EndsToCut& ends_;
  Diagnostics& diagnostics_;
  std::unordered_set<std::string> left_;  // names that were not found at an end yet
};

}  // namespace

void cut_ends(Model& model, const EndsToCut& ends, Diagnostics& diagnostics) {
  Cutter(model, ends, diagnostics).run();
}

}  // namespace qprep
