#include "driver/explain.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "config/config.h"
#include "driver/rules.h"
#include "onnx_io/infer_shapes.h"
#include "onnx_io/onnx_file.h"
#include "passes/pipeline.h"
#include "passes/selection.h"
#include "plan/node_settings.h"
#include "report/table.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

class Explainer {
 public:
  Explainer(const Plan& plan, const NodeSettings& settings) : plan_(plan), settings_(settings) {}

  ExplainedNode explain_node(const Node& node) const {
    const NodePlan& entry = *plan_.of(node);
    ExplainedNode explained;
    explained.name = node.label();
    explained.op = node.op();
    explained.device = to_text(entry.device);
    explained.because = entry.device_because;
    explained.absorbed = node.absorbed();
    const Unit* unit = entry.unit >= 0 ? &plan_.units[static_cast<std::size_t>(entry.unit)] : nullptr;
    if (unit && unit->nodes.size() > 1) {
      for (const Node* member : unit->nodes) explained.unit.push_back(member->label());
    }
    explained.slots.push_back({"output", precision_of(node), entry.output_because, {}});
    const bool makes_result = !unit || unit->nodes.back() == &node;
    if (makes_result) {
      explained.slots.back().settings =
          unit ? said_of(unit->nodes, Slot::kOutput) : said_of({&node}, Slot::kOutput);
    }
    if (!entry.weight_because.empty()) {
      explained.slots.push_back(
          {"weight", weight_of(node), entry.weight_because, said_of({&node}, Slot::kWeight)});
    }
    return explained;
  }

  ExplainedNode explain_input(const Value& input) const {
    ExplainedNode explained;
    explained.name = input.name();
    explained.op = "input";
    ExplainedSlot slot{"output", precision_of(input), "", {}};
    const auto decided = plan_.values.find(&input);
    const auto left = plan_.not_quantised.find(&input);
    slot.because = decided != plan_.values.end()       ? decided->second.because
                   : left != plan_.not_quantised.end() ? left->second
                                                       : "its elements are not quantised";
    for (const Setting* setting : settings_.all(input)) {
      slot.settings.push_back({to_text(*setting), to_text(setting->says), ""});
    }
    explained.slots.push_back(std::move(slot));
    return explained;
  }

 private:
  std::string precision_of(const Node& node) const {
    return node.output_count() == 0 ? "" : precision_of(node.output(0));
  }

  std::string precision_of(const Value& result) const {
    if (const Decision* decision = plan_.decision_of(result))
      return std::string(to_text(decision->spec.precision));
    return result.type().kind == Type::Kind::kTensor ? to_text(result.type().dtype) : "?";
  }

  std::string weight_of(const Node& node) const {
    for (const Value* input : node.inputs()) {
      const Decision* decision = input ? plan_.decision_of(*input) : nullptr;
      if (decision && decision->role == Role::kWeight) return std::string(to_text(decision->spec.precision));
    }
    return "float32";
  }

  /// The settings for any of the nodes, the one that counts first; each once.
  std::vector<ExplainedSetting> said_of(const std::vector<const Node*>& nodes, Slot slot) const {
    std::vector<std::pair<const Setting*, const Node*>> said;
    std::set<const Setting*> known;
    for (const Node* node : nodes) {
      for (const Setting* setting : settings_.all(*node, slot)) {
        if (known.insert(setting).second) said.emplace_back(setting, node);
      }
    }
    std::sort(said.begin(), said.end());
    std::vector<ExplainedSetting> explained;
    for (const auto& [setting, node] : said) {
      const bool names_member = setting->names_nodes() && nodes.size() > 1;
      explained.push_back({to_text(*setting), to_text(setting->says), names_member ? node->label() : ""});
    }
    return explained;
  }

  const Plan& plan_;
  const NodeSettings& settings_;
};

Selection::Match called(const Model& model, const std::vector<std::string>& names, Diagnostics& diagnostics) {
  const Selection selection(model, nullptr);
  std::set<const Node*> wanted;
  std::set<const Value*> wanted_inputs;
  for (const std::string& name : names) {
    const Selector selector{Selector::Kind::kName, name};
    const Selection::Match match = selection.find(selector);
    wanted.insert(match.nodes.begin(), match.nodes.end());
    wanted_inputs.insert(match.inputs.begin(), match.inputs.end());
    if (match.empty()) diagnostics.error(codes::kNoMatch, selection.why_nothing(selector));
  }
  diagnostics.throw_if_error();
  Selection::Match found;
  for (const Node& node : model.graph->nodes()) {
    if (wanted.contains(&node)) found.nodes.push_back(&node);
  }
  for (const Value* input : model.graph->inputs()) {
    if (wanted_inputs.contains(input)) found.inputs.push_back(input);
  }
  return found;
}

std::vector<SettingRow> rows_of(const NodeSettings& settings) {
  std::vector<SettingRow> rows;
  for (std::size_t i = 0; i < settings.settings().size(); ++i) {
    const Setting& setting = settings.settings()[i];
    rows.push_back({to_text(setting), std::string(to_text(setting.slot)), to_text(setting.says),
                    settings.counts()[i].spoken, settings.counts()[i].won, setting.names_nodes()});
  }
  return rows;
}

std::string text_of(const ExplainedNode& node) {
  std::string text = fmt::format("{} ({})", node.name, node.op);
  text += node.device.empty() ? "\n" : fmt::format(": {}: {}\n", node.device, node.because);
  if (!node.unit.empty()) text += fmt::format("  unit    {}\n", join(node.unit, ", "));
  if (!node.absorbed.empty()) text += fmt::format("  holds   {}\n", join(node.absorbed, ", "));
  for (const ExplainedSlot& slot : node.slots) {
    text += fmt::format("  {:<6}  {}: {}\n", slot.slot, slot.precision, slot.because);
    for (std::size_t i = 0; i < slot.settings.size(); ++i) {
      const ExplainedSetting& setting = slot.settings[i];
      const std::string named = setting.node.empty() ? "" : fmt::format(" for '{}'", setting.node);
      text += fmt::format("          {}. {} says {}{}\n", i + 1, setting.setting, setting.precision, named);
    }
  }
  return text;
}

}  // namespace

Explanation explain(const ExplainOptions& options, Diagnostics& diagnostics) {
  const Config config = options.config.empty() ? Config{} : read_config(options.config);
  for (const Diagnostic& each : config.not_yet) diagnostics.warning(each.code, each.message, each.where);
  const Rules rules = Rules::read(options.configs);
  OnnxFile file = read_onnx(options.model, diagnostics);
  infer_shapes(file, diagnostics);
  const std::vector<Setting> all = settings(config);
  Env env = rules.env(diagnostics, all);
  Plan plan;
  run_passes(file.model, plan, pipeline(PassKind::kRewrite), env);
  run_passes(file.model, plan, pipeline(PassKind::kDecide), env);
  diagnostics.throw_if_error();

  const NodeSettings& folded = *plan.settings;
  Explanation explanation;
  if (options.names.empty()) {
    explanation.settings = rows_of(folded);
    return explanation;
  }
  const Explainer explainer(plan, folded);
  const Selection::Match wanted = called(file.model, options.names, diagnostics);
  for (const Value* input : wanted.inputs) explanation.nodes.push_back(explainer.explain_input(*input));
  for (const Node* node : wanted.nodes) {
    explanation.nodes.push_back(explainer.explain_node(*node));
  }
  return explanation;
}

std::string to_text(const Explanation& explanation) {
  std::string text;
  for (const ExplainedNode& node : explanation.nodes) text += (text.empty() ? "" : "\n") + text_of(node);
  if (!explanation.nodes.empty()) return text;
  using Align = Table::Align;
  Table table{{"priority", "setting", "slot", "says", "nodes", "wins"},
              {},
              {Align::kRight, Align::kLeft, Align::kLeft, Align::kLeft, Align::kRight, Align::kRight}};
  for (const SettingRow& row : explanation.settings) {
    table.rows.push_back({fmt::to_string(table.rows.size() + 1), cell_text(row.setting), row.slot,
                          row.precision, row.names_nodes ? fmt::to_string(row.spoken) : "others",
                          row.names_nodes ? fmt::to_string(row.won) : ""});
  }
  return to_simple(table);
}

nlohmann::ordered_json to_json(const Explanation& explanation) {
  using Json = nlohmann::ordered_json;
  Json nodes = Json::array(), settings = Json::array();
  for (const ExplainedNode& node : explanation.nodes) {
    Json slots = Json::array();
    for (const ExplainedSlot& slot : node.slots) {
      Json said = Json::array();
      for (const ExplainedSetting& setting : slot.settings) {
        said.push_back({{"setting", setting.setting}, {"says", setting.precision}, {"node", setting.node}});
      }
      slots.push_back(
          {{"slot", slot.slot}, {"dtype", slot.precision}, {"because", slot.because}, {"settings", said}});
    }
    nodes.push_back({{"name", node.name},
                     {"op", node.op},
                     {"device", node.device},
                     {"because", node.because},
                     {"unit", node.unit},
                     {"absorbed", node.absorbed},
                     {"slots", slots}});
  }
  for (const SettingRow& row : explanation.settings) {
    Json line = {{"setting", row.setting}, {"slot", row.slot}, {"says", row.precision}};
    line["nodes"] = row.names_nodes ? Json(row.spoken) : Json(nullptr);
    line["wins"] = row.names_nodes ? Json(row.won) : Json(nullptr);
    settings.push_back(line);
  }
  return {{"nodes", nodes}, {"settings", settings}};
}

}  // namespace qprep
