#include "driver/explain.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>

#include "config/selector.h"
#include "config/torch_names.h"
#include "driver/confirm_remedies.h"
#include "driver/opset_bound.h"
#include "driver/own_keys.h"
#include "ir/walk.h"
#include "passes/modernise.h"
#include "passes/selection.h"
#include "passes/setting_outcomes.h"
#include "plan/node_settings.h"
#include "report/table.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

/// What the names name: nodes and inputs, constants, and sentences on what is gone.
struct Called {
  Selection::Match found;
  std::vector<const Value*> constants;
  std::vector<std::string> gone;
};

/// The initializer of this name, or that a node of this name became when it was computed in advance; null:
/// there is none.
const Value* constant_called(const Model& model, const std::string& name) {
  const std::string path = path_of(name);
  std::set<std::string_view> names;
  for (const GoneNode& gone : model.gone) {
    if (path_of(gone.label) == path || module_path_of(gone.label) == path) {
      names.insert(gone.results.begin(), gone.results.end());
    }
  }
  const auto& constants = model.graph->initializers();
  const auto at = std::find_if(constants.begin(), constants.end(), [&](const Value* each) {
    return path_of(each->name()) == path || names.contains(each->name());
  });
  return at == constants.end() ? nullptr : *at;
}

/// The selectors that a NAME may be, in the order in which they are tried.
std::vector<Selector> meanings_of(const std::string& name) {
  std::vector<Selector> meanings = {{Selector::Kind::kName, name}, {Selector::Kind::kType, name}};
  const auto type = torch_type(name);
  if (type && !type->operators.empty())
    meanings.push_back({Selector::Kind::kType, join(type->operators, ",")});
  return meanings;
}

/// The name is that of a node which is gone, and other nodes answer to it.
bool answers_for_another(const Model& model, const Selection::Match& match, const std::string& name) {
  return std::ranges::any_of(model.gone, [&](const GoneNode& gone) { return gone.label == name; }) &&
         std::ranges::none_of(match.nodes, [&](const Node* node) { return node->label() == name; });
}

Called called(const Model& model, const std::vector<std::string>& names, Diagnostics& diagnostics) {
  const Selection selection(model, nullptr);
  Called result;
  std::set<const Node*> wanted;
  std::set<const Value*> wanted_inputs;
  for (const std::string& name : names) {
    if (const auto mistake = selector_error(name)) {
      diagnostics.error(codes::kBadValue, *mistake);
      continue;
    }
    const std::vector<Selector> meanings = meanings_of(name);
    Selection::Match match;
    for (const Selector& meaning : meanings) {
      if (match.empty()) match = selection.find(meaning);
    }
    wanted.insert(match.nodes.begin(), match.nodes.end());
    wanted_inputs.insert(match.inputs.begin(), match.inputs.end());
    if (!match.empty()) {
      if (answers_for_another(model, match, name)) {
        if (auto gone = selection.gone(meanings.front())) result.gone.push_back(std::move(*gone));
      }
      continue;
    }
    std::optional<std::string> gone;
    for (const Selector& meaning : meanings) {
      if (!gone) gone = selection.gone(meaning);
    }
    if (const Value* constant = constant_called(model, name)) {
      auto& known = result.constants;
      if (std::find(known.begin(), known.end(), constant) == known.end()) known.push_back(constant);
    } else if (gone) {
      result.gone.push_back(std::move(*gone));
    } else {
      diagnostics.error(codes::kNoMatch, selection.why_nothing(meanings.front()));
    }
  }
  diagnostics.throw_if_error();
  Selection::Match& found = result.found;
  for (const Node* node : nodes_with_bodies(*model.graph)) {
    if (wanted.contains(node)) found.nodes.push_back(node);
  }
  for (const Value* input : model.graph->inputs()) {
    if (wanted_inputs.contains(input)) found.inputs.push_back(input);
  }
  return result;
}

std::vector<SettingRow> rows_of(const Decided& decided) {
  const NodeSettings& settings = *decided.plan.settings;
  const std::vector<SettingOutcome> outcomes = outcomes_of(*decided.file.model.graph, decided.plan);
  std::vector<SettingRow> rows;
  for (std::size_t rank = 0; rank < outcomes.size(); ++rank) {
    const Setting& setting = settings.settings()[rank];
    const SettingOutcome& outcome = outcomes[rank];
    SettingRow row{to_text(setting),
                   std::string(to_text(setting.slot)),
                   said_by(setting),
                   outcome.spoken,
                   outcome.won,
                   outcome.in_vain,
                   {},
                   setting.names_nodes()};
    for (const SettingOutcome::Loss& loss : outcome.losses) {
      const std::size_t to = loss.to ? settings.rank_of(*loss.to) + 1 : 0;
      if (!row.lost_to.empty() && row.lost_to.back().first == to) {
        row.lost_to.back().second += loss.times;
      } else {
        row.lost_to.emplace_back(to, loss.times);
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string lost_to(const SettingRow& row) {
  std::vector<std::string> parts;
  for (const auto& [winner, times] : row.lost_to) {
    parts.push_back(winner == 0 ? fmt::format("{} to rules", times) : fmt::format("{} to {}", times, winner));
  }
  return join(parts, ", ");
}

std::string text_of(const ExplainedNode& node) {
  std::string text = fmt::format("{} ({})", node.name, node.op);
  text += node.device.empty() ? "\n" : fmt::format(": {}: {}\n", node.device, node.because);
  if (!node.made_for.empty())
    text += fmt::format("  is      put in by a replacement, for '{}'\n", node.made_for);
  if (!node.undecided.empty()) text += fmt::format("  limits  taken to hold: {}\n", node.undecided);
  if (!node.remedy.empty()) text += fmt::format("  remedy  {}\n", node.remedy);
  for (const std::string& was : node.was) text += fmt::format("  was     {}\n", was);
  if (!node.unit.empty()) text += fmt::format("  unit    {}: {}\n", node.pattern, join(node.unit, ", "));
  if (node.ends_before == std::vector<std::string>{"output"}) {
    text += "  ends    at an output of the model\n";
  } else if (!node.ends_before.empty()) {
    text +=
        fmt::format("  ends    before {}, which no sequence goes on with\n", join(node.ends_before, ", "));
  }
  if (!node.alone.empty()) text += fmt::format("  alone   no layer adds it: {}\n", node.alone);
  for (const ExplainedGroup& block : node.blocks) {
    text += fmt::format("  block   {}: {}\n", block.name, join(block.nodes, ", "));
  }
  for (const ExplainedGroup& missed : node.not_fused) {
    text += fmt::format("  missed  {}: {}: {}\n", missed.name, join(missed.nodes, ", "), missed.because);
  }
  if (!node.absorbed.empty()) text += fmt::format("  holds   {}\n", join(node.absorbed, ", "));
  if (!node.becomes.empty()) text += fmt::format("  becomes {}\n", node.becomes);
  if (!node.kept.empty()) text += fmt::format("  stays   {}\n", node.kept);
  for (const ExplainedSlot& slot : node.slots) {
    const std::string besides = slot.besides.empty() ? "" : fmt::format(" ({})", slot.besides);
    text += fmt::format("  {:<6}  {}{}: {}\n", slot.slot, slot.precision, besides, slot.because);
    if (slot.rule && !slot.settings.empty())
      text += "          no setting decides this; what was said of it:\n";
    for (std::size_t i = 0; i < slot.settings.size(); ++i) {
      const ExplainedSetting& setting = slot.settings[i];
      const bool elsewhere =
          setting.slot == to_text(Slot::kTail) || setting.slot == to_text(Slot::kHead) ||
          setting.slot == to_text(Slot::kHighPrecision) || setting.slot == to_text(Slot::kInput) ||
          (setting.slot == to_text(Slot::kWeight) && slot.slot == to_text(Slot::kOutput)) ||
          (setting.slot == to_text(Slot::kOutput) && slot.slot == to_text(Slot::kWeight));
      const std::string of = elsewhere ? " of " + setting.slot : "";
      const std::string named = setting.node.empty() ? "" : fmt::format(" for '{}'", setting.node);
      const bool decides = setting.decides || setting.decides_device;
      const char* why = decides && setting.goes_before_all ? ": it speaks of these alone" : "";
      text +=
          fmt::format("          {}. {} says {}{}{}{}{}\n", i + 1, setting.setting, setting.says, of, named,
                      setting.in_vain          ? ", which has no effect here"
                      : setting.decides        ? ", and decides"
                      : setting.decides_device ? ", and decides the device"
                                               : "",
                      why);
    }
  }
  return text;
}

/// Without the columns that say nothing of any setting.
std::string table_of(const std::vector<SettingRow>& rows) {
  using Align = Table::Align;
  const bool any_vain =
      std::any_of(rows.begin(), rows.end(), [](const SettingRow& row) { return row.vain > 0; });
  const bool any_lost =
      std::any_of(rows.begin(), rows.end(), [](const SettingRow& row) { return !row.lost_to.empty(); });
  Table table{{"priority", "setting", "slot", "says", "nodes", "wins"},
              {},
              {Align::kRight, Align::kLeft, Align::kLeft, Align::kLeft, Align::kRight, Align::kRight}};
  const auto column = [&](bool wanted, const char* header, Align align) {
    if (!wanted) return;
    table.headers.emplace_back(header);
    table.align.push_back(align);
  };
  column(any_vain, "no effect", Align::kRight);
  column(any_lost, "loses", Align::kLeft);
  for (const SettingRow& row : rows) {
    std::vector<std::string> cells = {fmt::to_string(table.rows.size() + 1),
                                      cell_text(row.setting),
                                      row.slot,
                                      row.says,
                                      row.names_nodes ? fmt::to_string(row.spoken + row.vain) : "others",
                                      fmt::to_string(row.won)};
    if (any_vain) cells.push_back(row.vain > 0 ? fmt::to_string(row.vain) : "");
    if (any_lost) cells.push_back(lost_to(row));
    table.rows.push_back(std::move(cells));
  }
  return to_simple(table);
}

nlohmann::ordered_json json_of(const std::vector<ExplainedGroup>& groups) {
  using Json = nlohmann::ordered_json;
  Json all = Json::array();
  for (const ExplainedGroup& group : groups) {
    Json each = {{"name", group.name}, {"nodes", group.nodes}};
    if (!group.because.empty()) each["because"] = group.because;
    all.push_back(std::move(each));
  }
  return all;
}

/// What `rewrite: modern` makes of composite operators, and why others stay.
void add_modern(const Decided& decided, const std::filesystem::path& file,
                std::vector<ExplainedNode>& nodes) {
  if (decided.config.rewrite.value == CompositeForm::kKeep) return;
  Diagnostics unsaid;
  Env env = decided.rules.env(unsaid, {});
  const Model& model = decided.file.model;
  std::unordered_map<std::string_view, ExplainedNode*> by_name;
  for (ExplainedNode& node : nodes) by_name.emplace(node.name, &node);
  for (const ForeseenModern& each :
       foresee_modern(model, env, opset_bound(decided.config, decided.rules, model, file))) {
    for (const Node* node : each.nodes) {
      const auto at = by_name.find(node->label());
      if (at == by_name.end()) continue;
      if (each.op.empty()) {
        at->second->kept += fmt::format("{}as written, in {}: {}", at->second->kept.empty() ? "" : "; ",
                                        each.composite, each.because);
      } else if (node == each.node) {
        at->second->becomes = fmt::format("{}, by 'rewrite: modern'", each.op);
      } else {
        at->second->becomes =
            fmt::format("a part of {} '{}', by 'rewrite: modern'", each.op, each.node->label());
      }
    }
  }
}

}  // namespace

Explanation explain(const ExplainOptions& options, Diagnostics& diagnostics) {
  Decided decided = decide(options.model, options.config, options.configs, diagnostics);
  Explanation explanation;
  if (options.names.empty()) {
    explanation.settings = rows_of(decided);
    return explanation;
  }
  Called wanted = called(decided.file.model, options.names, diagnostics);
  confirm_remedies(options.model, options.config, options.configs, {}, decided.file.model, decided.plan);
  say_in_own_keys(decided.config, decided.plan);
  explanation.nodes = explain_those(decided, wanted.found.inputs, wanted.constants, wanted.found.nodes);
  for (auto& node : explanation.nodes) say_in_own_keys(decided.config, node.remedy);
  add_modern(decided, options.model, explanation.nodes);
  explanation.gone = std::move(wanted.gone);
  return explanation;
}

std::string to_text(const Explanation& explanation) {
  std::string text;
  for (const ExplainedNode& node : explanation.nodes) text += (text.empty() ? "" : "\n") + text_of(node);
  for (const std::string& gone : explanation.gone) text += (text.empty() ? "" : "\n") + gone + "\n";
  if (!text.empty()) return text;
  return table_of(explanation.settings);
}

nlohmann::ordered_json to_json(const Explanation& explanation) {
  using Json = nlohmann::ordered_json;
  Json nodes = Json::array(), settings = Json::array();
  for (const ExplainedNode& node : explanation.nodes) {
    Json slots = Json::array();
    for (const ExplainedSlot& slot : node.slots) {
      Json said = Json::array();
      for (const ExplainedSetting& setting : slot.settings) {
        said.push_back({{"setting", setting.setting},
                        {"slot", setting.slot},
                        {"says", setting.says},
                        {"node", setting.node},
                        {"no_effect", setting.in_vain},
                        {"decides", setting.decides},
                        {"decides_device", setting.decides_device}});
      }
      slots.push_back({{"slot", slot.slot},
                       {"dtype", slot.precision},
                       {"besides", slot.besides},
                       {"because", slot.because},
                       {"settings", said},
                       {"rule", slot.rule}});
    }
    nodes.push_back({{"name", node.name},
                     {"op", node.op},
                     {"device", node.device},
                     {"because", node.because},
                     {"pattern", node.pattern},
                     {"unit", node.unit},
                     {"ends_before", node.ends_before},
                     {"alone", node.alone},
                     {"blocks", json_of(node.blocks)},
                     {"not_fused", json_of(node.not_fused)},
                     {"absorbed", node.absorbed},
                     {"was", node.was},
                     {"becomes", node.becomes},
                     {"kept", node.kept},
                     {"made_for", node.made_for},
                     {"undecided", node.undecided},
                     {"remedy", node.remedy},
                     {"slots", slots}});
  }
  for (const SettingRow& row : explanation.settings) {
    Json line = {{"setting", row.setting}, {"slot", row.slot}, {"says", row.says}};
    line["nodes"] = row.names_nodes ? Json(row.spoken + row.vain) : Json(nullptr);
    line["wins"] = row.won;
    line["no_effect"] = row.vain;
    line["lost_to"] = Json::array();
    for (const auto& [winner, times] : row.lost_to) {
      line["lost_to"].push_back({{"setting", winner > 0 ? Json(winner) : Json(nullptr)}, {"nodes", times}});
    }
    settings.push_back(line);
  }
  return {{"nodes", nodes}, {"gone", explanation.gone}, {"settings", settings}};
}

}  // namespace qprep
