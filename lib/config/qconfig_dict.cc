#include "config/qconfig_dict.h"

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>
#include <string>
#include <utility>

#include "config/qconfig.h"
#include "config/quote.h"
#include "config/reading.h"
#include "config/selector.h"

namespace qprep {
namespace {

const YamlNode* entry_of(const YamlNode& map, std::string_view key) {
  for (const YamlNode::Entry& entry : map.entries) {
    if (entry.key == key) return entry.value.get();
  }
  return nullptr;
}

class DictReader {
 public:
  explicit DictReader(const Reading& reading) : reading_(reading) {}

  void read_hybrid(const YamlNode& node);
  void read(const YamlNode& node);

  std::vector<Setting> settings;

 private:
  void read_names(const YamlNode& node);
  void read_regexes(const YamlNode& node);
  void read_types(const YamlNode& node, const std::string& key);
  void read_orders(const YamlNode& node);
  void read_global(const YamlNode& dict);
  void add(const Selector& selector, const NamedValue& named, const std::string& key) {
    const std::string what = fmt::format("qconfig_dict.{} {}", key, quote(named.name));
    append_settings(selector, read_qconfig(*named.value, what, reading_), what, settings);
  }

  const Reading& reading_;
};

/// What it names runs on the CPU in float; names override types, so they come first.
void DictReader::read_hybrid(const YamlNode& node) {
  YamlMap map(node, "hybrid_dict", reading_.diagnostics);
  const auto add_float = [&](const std::optional<Selector>& selector, const char* key,
                             const Placed<std::string>& word) {
    if (!selector) return;
    Qconfig skip;
    skip.skip = true;
    skip.where = word.where;
    append_settings(*selector, skip, fmt::format("hybrid_dict.{} {}", key, quote(word.value)), settings);
  };
  for (const auto& name : map.texts("module_name")) {
    add_float(name_selector(name.value, name.where, reading_), "module_name", name);
  }
  for (const auto& type : map.texts("module_type")) {
    add_float(type_selector(type.value, type.where, reading_), "module_type", type);
  }
  map.finish();
}

void DictReader::read(const YamlNode& node) {
  YamlMap map(node, "qconfig_dict", reading_.diagnostics);
  if (const YamlNode* orders = map.find("module_name_object_type_order")) read_orders(*orders);
  if (const YamlNode* names = map.find("module_name")) read_names(*names);
  if (const YamlNode* regexes = map.find("module_name_regex")) read_regexes(*regexes);
  for (const char* key : {"module_type", "object_type"}) {
    if (const YamlNode* types = map.find(key)) read_types(*types, key);
  }
  map.find("");
  read_global(node);
  map.finish();
}

/// A module's own entry counts more than that of a module that it lies in.
void DictReader::read_names(const YamlNode& node) {
  const std::vector<NamedValue> names = named_values(node, "'qconfig_dict.module_name'", reading_);
  std::vector<std::pair<std::ptrdiff_t, const NamedValue*>> by_depth;
  for (const NamedValue& named : names) {
    const std::string path = path_of(named.name);
    by_depth.emplace_back(-std::count(path.begin(), path.end(), '.'), &named);
  }
  std::stable_sort(by_depth.begin(), by_depth.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [depth, named] : by_depth) {
    if (const auto selector = name_selector(named->name, named->where, reading_)) {
      add(*selector, *named, "module_name");
    }
  }
}

/// PyTorch takes the first that matches the beginning of a module's name.
void DictReader::read_regexes(const YamlNode& node) {
  for (const NamedValue& named : named_values(node, "'qconfig_dict.module_name_regex'", reading_)) {
    if (const auto error = pattern_error("re:" + named.name)) {
      reading_.wrong(fmt::format("{} is no regular expression: {}", quote(named.name), *error), named.where);
      continue;
    }
    Selector selector;
    selector.kind = Selector::Kind::kName;
    selector.text = fmt::format("re:(?:{}).*", named.name);
    add(selector, named, "module_name_regex");
  }
}

void DictReader::read_types(const YamlNode& node, const std::string& key) {
  for (const NamedValue& named : named_values(node, fmt::format("'qconfig_dict.{}'", key), reading_)) {
    if (const auto selector = type_selector(named.name, named.where, reading_)) add(*selector, named, key);
  }
}

/// The n-th call of a type in a module: a model file does not say which that is.
void DictReader::read_orders(const YamlNode& node) {
  const std::string key = "'qconfig_dict.module_name_object_type_order'";
  if (node.kind != YamlNode::Kind::kList) {
    return reading_.wrong(fmt::format("{} must be a list of [name, type, index, qconfig]", key), node.where);
  }
  for (const auto& item : node.items) {
    if (item->kind == YamlNode::Kind::kList && item->items.size() == 4) {
      reading_.later(key, item->where);
    } else {
      reading_.wrong(fmt::format("an item of {} must be [name, type, index, qconfig]", key), item->where);
    }
  }
}

void DictReader::read_global(const YamlNode& dict) {
  const YamlNode* node = entry_of(dict, "");
  const bool is_float = !node || is_none(*node);
  if (is_float) {
    const std::vector<Setting> inputs = inputs_of(settings);
    settings.insert(settings.end(), inputs.begin(), inputs.end());
  }
  if (!node) return append_float(dict.where, "qconfig_dict without \"\"", settings);
  const std::string what = "qconfig_dict \"\"";
  append_settings(Selector(), read_qconfig(*node, what, reading_), what, settings);
}

}  // namespace

std::vector<Setting> read_qconfig_dict(YamlMap& file, Diagnostics& diagnostics, Diagnostics& not_yet) {
  const Reading reading{diagnostics, not_yet};
  DictReader reader(reading);
  if (const YamlNode* hybrid = file.find("hybrid_dict")) reader.read_hybrid(*hybrid);
  if (const YamlNode* dict = file.find("qconfig_dict")) reader.read(*dict);
  return std::move(reader.settings);
}

}  // namespace qprep
