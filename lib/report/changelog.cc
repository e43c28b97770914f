#include "report/changelog.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "ir/walk.h"
#include "plan/node_settings.h"
#include "report/table.h"

namespace qprep {
namespace {

class Changes {
 public:
  Changes(const Graph& graph, const Plan& plan) : graph_(graph), plan_(plan), settings_(*plan.settings) {}

  std::vector<Change> run() {
    for (const Value* input : graph_.inputs()) {
      if (!input->initializer()) compare(input->name(), *input, settings_.winner(*input), because_of(*input));
    }
    for (const Node* each : nodes_with_bodies(graph_)) {
      const Node& node = *each;
      const NodePlan& entry = *plan_.of(node);
      compare_weight(node, entry);
      if (node.output_count() > 0) compare_output(node, entry);
    }
    const auto is_named = [](const Change& change) { return !change.setting.starts_with("default: "); };
    std::stable_partition(changes_.begin(), changes_.end(), is_named);
    return std::move(changes_);
  }

 private:
  void compare_output(const Node& node, const NodePlan& entry) {
    const Value& result = node.output(0);
    if (plan_.same_as.contains(&result) || node.is("Constant")) return;
    const Unit* unit = plan_.unit_of(node);
    const Setting* skip = settings_.skip(node);
    if (!unit && !skip && settings_.winner(node, Slot::kOutput).names_nodes()) {
      compare(node.label(), result, settings_.winner(node, Slot::kOutput), entry.output_because.text);
    }
    if (!unit || unit->nodes.back() != &node) return;
    const std::string& because = entry.output_because.text == "it runs on the CPU"
                                     ? entry.device_because.text
                                     : entry.output_because.text;
    compare(node.label(), result, skip ? *skip : settings_.winner(*unit), because);
    if (plan_.decision_of(result) || settings_.winner(*unit).precision() == Precision::kFloat32) return;
    for (const Aspect aspect :
         {Aspect::kObserver, Aspect::kAveragingConstant, Aspect::kFixedScale, Aspect::kPowerOfTwo}) {
      const Setting* said = settings_.find(*unit, aspect);
      if (!said || !said->names_nodes()) continue;
      changes_.push_back(
          {node.label(), "output", result.name(), to_text(said->says), "float32", because, to_text(*said)});
    }
  }

  void compare_weight(const Node& node, const NodePlan& entry) {
    if (entry.weight_because.empty() || settings_.skip(node)) return;
    const Setting& asked = settings_.winner(node, Slot::kWeight);
    Precision got = Precision::kFloat32;
    std::string tensor;
    if (const Value* weight = plan_.weight_read_by(node)) {
      got = plan_.decision_of(*weight)->spec.precision;
      tensor = weight->name();
    }
    for (const Aspect aspect : {Aspect::kPerChannel, Aspect::kPowerOfTwo}) {
      const Setting* said = settings_.find(node, Slot::kWeight, aspect);
      if (got != Precision::kFloat32 || !said || !said->names_nodes()) continue;
      changes_.push_back({node.label(), "weight", tensor, to_text(said->says), "float32",
                          entry.weight_because.text, to_text(*said)});
    }
    if (got == asked.precision()) return;
    changes_.push_back({node.label(), "weight", std::move(tensor), std::string(to_text(asked.precision())),
                        std::string(to_text(got)), entry.weight_because.text, to_text(asked)});
  }

  void compare(const std::string& name, const Value& value, const Setting& asked,
               const std::string& because) {
    const Type& type = value.type();
    if (type.kind == Type::Kind::kTensor && type.dtype != DType::kUndefined &&
        type.dtype != DType::kFloat32) {
      return;
    }
    const Decision* decision = plan_.decision_of(value);
    if (!decision && plan_.carried_for(value)) return;
    const Precision got = decision ? decision->spec.precision : Precision::kFloat32;
    if (got == asked.precision()) return;
    changes_.push_back({name, "output", value.name(), std::string(to_text(asked.precision())),
                        std::string(to_text(got)), because, to_text(asked)});
  }

  std::string because_of(const Value& input) const {
    const Reason* why = plan_.reason_of(input);
    return why ? why->text : "";
  }

  const Graph& graph_;
  const Plan& plan_;
  const NodeSettings& settings_;
  std::vector<Change> changes_;
};

}  // namespace

std::vector<Change> changes_of(const Model& model, const Plan& plan) {
  return Changes(*model.graph, plan).run();
}

std::string changelog_text(std::span<const Change> changes) {
  if (changes.empty()) return "Every output and weight has the dtype that the configuration asks for.\n";
  std::string text = fmt::format("{} {} another dtype than the configuration asks for:\n\n", changes.size(),
                                 changes.size() == 1 ? "slot has" : "slots have");
  Table table{{"node", "slot", "asked", "got", "because", "asked by"}, {}, {}};
  for (const Change& change : changes) {
    table.rows.push_back({cell_text(change.name), change.slot, change.asked, change.got,
                          cell_text(change.because), cell_text(change.setting)});
  }
  append_simple(text, table);
  return text;
}

}  // namespace qprep
