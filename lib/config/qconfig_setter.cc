#include "config/qconfig_setter.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "config/config_folder.h"
#include "config/later_templates.h"
#include "config/quote.h"
#include "config/setter_entries.h"

namespace qprep {
namespace {

/// Names override types, so their settings come first.
void read_hybrid(YamlMap hybrid, EntryReader& reader, std::vector<Setting>& settings) {
  const auto enabled = hybrid.boolean("enabled");
  const auto names = hybrid.texts("module_name");
  const auto types = hybrid.texts("module_type");
  const auto min_segment = hybrid.integer("min_segment", 1, kLargestMinSegment);
  hybrid.finish();
  if (enabled && !enabled->value) {
    if (min_segment) {
      reader.spec().wrong(
          "'hybrid' moves small segments to the CPU, and is off, which refuses all nodes there: write "
          "'enabled: true', or leave 'min_segment' out",
          min_segment->where);
    }
    for (const auto& named : {names, types}) {
      if (named.empty()) continue;
      reader.spec().wrong(
          "'hybrid' names nodes for the CPU, and is off, which refuses all nodes there: write 'enabled: "
          "true', or "
          "leave them out",
          named.front().where);
      return;
    }
    return;
  }
  const auto add = [&](Selector::Kind kind, std::string_view key, const Placed<std::string>& name) {
    Setting setting;
    setting.selector.kind = kind;
    setting.selector.text = name.value;
    if (!reader.is_selector(setting.selector, name.where)) return;
    setting.slot = Slot::kNode;
    setting.says = Precision::kFloat32;
    setting.where = name.where;
    setting.what = fmt::format("hybrid.{} {}", key, quote(name.value));
    settings.push_back(std::move(setting));
  };
  for (const auto& name : names) add(Selector::Kind::kName, "module_name", name);
  for (const auto& type : types) add(Selector::Kind::kType, "module_type", type);
}

}  // namespace

std::vector<Setting> read_qconfig_setter(YamlMap& file, const UsualPrecision& usual, Diagnostics& diagnostics,
                                         Diagnostics& not_yet) {
  std::vector<Setting> settings;
  YamlMap hybrid = file.map("hybrid");
  const YamlNode* setters = file.find("qconfig_setter");
  const YamlNode* later = file.find("templates");
  if (!file.has("hybrid") && !setters && !later) return settings;
  static const Templates templates = Templates::read((find_configs() / "templates.yaml").string());
  EntryReader reader(usual, templates, diagnostics, not_yet);
  if (file.has("hybrid")) read_hybrid(std::move(hybrid), reader, settings);
  const auto append = [&](std::vector<Setting> more) {
    settings.insert(settings.end(), more.begin(), more.end());
  };
  if (setters && later) {
    reader.spec().wrong(
        "'qconfig_setter' (the first wins) and 'templates' (the last wins) are two orders: write one of them",
        later->where);
  }
  if (setters) append(reader.read_list(*setters, "qconfig_setter"));
  if (later) append(read_later_templates(*later, usual, reader, diagnostics));
  return settings;
}

}  // namespace qprep
