#include "driver/show_config.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "config/config.h"
#include "driver/fix_sizes.h"
#include "driver/read_model.h"
#include "driver/rewrite_model.h"
#include "driver/rules.h"
#include "onnx_io/infer_shapes.h"
#include "onnx_io/onnx_file.h"
#include "passes/data_flow.h"
#include "passes/selection.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

using Json = nlohmann::ordered_json;
using NodePtr = std::shared_ptr<const YamlNode>;

/// configs/defaults.yaml.
struct Defaults {
  NodePtr always, own, within;
  std::vector<std::string> other_ways, other_tools;
  std::vector<std::string> paths;  // "calibration.data": the last two keys of a path to a file or folder
};

Defaults read_defaults(const std::filesystem::path& configs) {
  Diagnostics diagnostics;
  const NodePtr root = read_yaml((configs / "defaults.yaml").string(), diagnostics);
  YamlMap map(*root, "", diagnostics);
  Defaults defaults;
  const auto section = [&](const char* key) {
    const YamlNode* found = map.find(key);
    return std::make_shared<const YamlNode>(found ? *found : YamlNode());
  };
  defaults.always = section("always");
  defaults.own = section("own");
  defaults.within = section("within");
  for (const Placed<std::string>& key : map.texts("other_ways")) defaults.other_ways.push_back(key.value);
  for (const Placed<std::string>& key : map.texts("other_tools")) defaults.other_tools.push_back(key.value);
  for (const Placed<std::string>& path : map.texts("paths")) defaults.paths.push_back(path.value);
  map.finish();
  diagnostics.throw_if_error();
  return defaults;
}

bool has_key(const YamlNode& map, const std::string& key) {
  return std::ranges::find(map.entries, key, &YamlNode::Entry::key) != map.entries.end();
}

NodePtr with_defaults(const YamlNode& document, const Defaults& defaults) {
  const auto has = [&](const std::string& key) { return has_key(document, key); };
  if (std::ranges::any_of(defaults.other_tools, has)) return std::make_shared<YamlNode>(document);
  YamlNode wanted = *defaults.always;
  if (std::ranges::none_of(defaults.other_ways, has)) {
    wanted.entries.insert(wanted.entries.end(), defaults.own->entries.begin(), defaults.own->entries.end());
  }
  for (const YamlNode::Entry& entry : defaults.within->entries) {
    if (has_key(document, entry.key)) wanted.entries.push_back(entry);
  }
  return with_additions(document, wanted);
}

/// Whether the last two keys are those of "calibration.data", or it is in a list of them;
/// "sensitive_op*.table": the first begins so.
bool ends_in(YamlPath path, std::string_view keys) {
  if (!path.empty() && std::holds_alternative<std::size_t>(path.back())) path.pop_back();
  if (path.size() < 2) return false;
  const auto* parent = std::get_if<std::string>(&path[path.size() - 2]);
  const auto* key = std::get_if<std::string>(&path.back());
  const std::size_t dot = keys.find('.');
  if (!parent || !key || *key != keys.substr(dot + 1)) return false;
  std::string_view wanted = keys.substr(0, dot);
  if (!wanted.ends_with('*')) return *parent == wanted;
  wanted.remove_suffix(1);
  return parent->starts_with(wanted);
}

NodePtr with_absolute_paths(const YamlNode& document, const std::string& file, const Defaults& defaults) {
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  return with_replaced(document, [&](const YamlPath& path, const YamlNode& value) -> NodePtr {
    const bool is_path =
        std::ranges::any_of(defaults.paths, [&](const std::string& keys) { return ends_in(path, keys); });
    if (!is_path || value.kind != YamlNode::Kind::kScalar) return nullptr;
    auto absolute = std::make_shared<YamlNode>(value);
    absolute->text = (folder / value.text).lexically_normal().string();
    return absolute;
  });
}

/// The names of what the selectors match, in the model as it is when settings are applied.
void match_settings(ShownConfig& shown, const Config& config, const std::vector<Setting>& all,
                    const ShowOptions& options, Diagnostics& diagnostics) {
  const Rules rules = Rules::read(options.configs, config);
  OnnxFile file = read_model(*options.model, diagnostics);
  fix_sizes(file.model, config.dims, false, diagnostics);
  infer_shapes(file, diagnostics);
  Env env = rules.env_for(config, diagnostics);
  Plan plan;
  rewrite_model(file, plan, env);
  const DataFlow flow(file.model, rules.op_classes, plan);
  const Selection selection(file.model, &flow);
  std::vector<const Selector*> selectors;
  for (const Setting& setting : all) selectors.push_back(&setting.selector);
  const std::vector<Selection::Match> matches = selection.find_all(selectors);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].names_nodes()) continue;
    for (const Value* input : matches[i].inputs) shown.settings[i].matches.push_back(input->name());
    for (const Node* node : matches[i].nodes) shown.settings[i].matches.push_back(node->label());
    if (matches[i].empty() && !all[i].selector.optional) {
      if (const auto gone = selection.gone(all[i].selector)) {
        diagnostics.warning(codes::kNoEffect, fmt::format("{} has no effect: {}", all[i].what, *gone),
                            all[i].where);
      } else {
        diagnostics.error(codes::kNoMatch, selection.why_nothing(all[i].selector), all[i].where);
      }
    }
  }
  shown.with_model = true;
  diagnostics.throw_if_error();
}

/// A name as a part of a comment, on one line.
std::string in_comment(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return printable(text);
}

std::string origin_of(const YamlNode& value, const ShownConfig& shown) {
  return value.where.file == shown.file ? to_text(value.where) : "default";
}

std::string text_of(const ShownSetting& setting, bool with_model) {
  constexpr std::size_t kMostNames = 20;
  std::string text = in_comment(fmt::format("{}: {} {}", setting.setting, setting.slot, setting.says));
  if (!setting.names_nodes || !with_model) return text;
  const std::size_t shown = std::min(setting.matches.size(), kMostNames);
  const std::vector<std::string> names(setting.matches.begin(),
                                       setting.matches.begin() + static_cast<std::ptrdiff_t>(shown));
  text += fmt::format("\n#       matches {}: {}", setting.matches.size(), in_comment(join(names, ", ")));
  if (shown < setting.matches.size()) text += fmt::format(" and {} more", setting.matches.size() - shown);
  return text;
}

Json path_json(const YamlPath& path) {
  Json steps = Json::array();
  for (const auto& step : path) {
    std::visit([&](const auto& key) { steps.push_back(key); }, step);
  }
  return steps;
}

Json value_json(const YamlNode& value) {
  switch (value.kind) {
    case YamlNode::Kind::kNull:
      return nullptr;
    case YamlNode::Kind::kList:
      return Json::array();
    case YamlNode::Kind::kMap:
      return Json::object();
    case YamlNode::Kind::kScalar:
      break;
  }
  return value.text;
}

}  // namespace

ShownConfig show_config(const ShowOptions& options, Diagnostics& diagnostics) {
  const Config config = read_config(options.config);
  for (const Diagnostic& each : config.remarks) diagnostics.add(each);
  for (const Diagnostic& each : config.not_yet) diagnostics.warning(each.code, each.message, each.where);
  const std::vector<Setting> all = settings(config);

  ShownConfig shown;
  shown.file = options.config;
  Diagnostics said_already;
  const Defaults defaults = read_defaults(options.configs);
  const NodePtr document = read_yaml(options.config, said_already);
  shown.document = with_absolute_paths(*with_defaults(*document, defaults), options.config, defaults);
  for (const Setting& setting : all) {
    shown.settings.push_back(
        {to_text(setting), std::string(to_text(setting.slot)), said_by(setting), setting.names_nodes(), {}});
  }
  if (options.model) match_settings(shown, config, all, options, diagnostics);
  return shown;
}

std::string to_text(const ShownConfig& shown) {
  std::string text =
      fmt::format("# {}, and what holds where it says nothing. Beside each value: where it stands.\n",
                  in_comment(shown.file));
  text += to_yaml(*shown.document, [&](const YamlPath&, const YamlNode& value) {
    return in_comment(origin_of(value, shown));
  });
  text += "\n# The settings that it comes to, the one of the highest priority first:\n";
  for (std::size_t i = 0; i < shown.settings.size(); ++i) {
    text += fmt::format("# {:>3}. {}\n", i + 1, text_of(shown.settings[i], shown.with_model));
  }
  return text;
}

Json to_json(const ShownConfig& shown) {
  Json values = Json::array(), settings = Json::array();
  to_yaml(*shown.document, [&](const YamlPath& path, const YamlNode& value) {
    values.push_back(
        {{"path", path_json(path)}, {"value", value_json(value)}, {"origin", origin_of(value, shown)}});
    return std::string();
  });
  for (const ShownSetting& setting : shown.settings) {
    Json line = {{"setting", setting.setting}, {"slot", setting.slot}, {"says", setting.says}};
    if (shown.with_model) line["matches"] = setting.names_nodes ? Json(setting.matches) : Json(nullptr);
    settings.push_back(line);
  }
  return {{"file", shown.file}, {"values", values}, {"settings", settings}};
}

}  // namespace qprep
