#include "config/quantizers.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <utility>

#include "config/qconfig.h"
#include "config/quantization_config.h"
#include "config/quote.h"
#include "config/reading.h"
#include "support/text.h"

namespace qprep {
namespace {

/// What a config says of the slot's precision.
const Said* precision_of(const Qconfig& qconfig, Slot slot) {
  const auto at = std::find_if(qconfig.said.begin(), qconfig.said.end(), [&](const Said& said) {
    return said.slot == slot && std::holds_alternative<Precision>(said.says);
  });
  return at == qconfig.said.end() ? nullptr : &*at;
}

class QuantizerReader {
 public:
  QuantizerReader(const YamlNode& node, std::string what, const Reading& reading)
      : map_(node, what, reading.diagnostics), what_(std::move(what)), reading_(reading) {}

  void read() {
    if (const auto name = map_.text("name")) what_ += " " + quote(name->value);
    read_selectors("module_name", name_selector);
    read_selectors("module_type", type_selector);
    for (const char* key : {"object_type", "operator_type"}) read_selectors(key, type_selector);
    if (const YamlNode* sets = map_.find("operators")) read_sets(*sets);
    if (const YamlNode* global = map_.find("global")) read_global(*global);
    map_.finish();
  }

  std::vector<Setting> settings;

 private:
  using MakeSelector = std::optional<Selector> (*)(const std::string&, const Where&, const Reading&);

  void read_selectors(const std::string& key, MakeSelector selector_of);
  void read_sets(const YamlNode& list);
  void read_set(const YamlNode& node, const std::string& path);
  std::vector<std::string> types_in(const YamlNode& list, const std::string& path);
  void read_global(const YamlNode& node);

  YamlMap map_;
  std::string what_;
  const Reading& reading_;
};

void QuantizerReader::read_selectors(const std::string& key, MakeSelector selector_of) {
  const YamlNode* node = map_.find(key);
  if (!node) return;
  for (const NamedValue& named : named_values(*node, map_.name_of(key), reading_)) {
    const auto selector = selector_of(named.name, named.where, reading_);
    const std::string what = fmt::format("{} {} {}", what_, key, quote(named.name));
    const Qconfig config = read_quantization_config(*named.value, what, reading_);
    if (selector) append_settings(*selector, config, what, settings);
  }
}

void QuantizerReader::read_sets(const YamlNode& list) {
  if (list.kind != YamlNode::Kind::kList) {
    return reading_.wrong(
        fmt::format("{} must be a list of maps with 'types' and 'config'", map_.name_of("operators")),
        list.where);
  }
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    read_set(*list.items[i], fmt::format("{}.operators[{}]", map_.path(), i));
  }
}

/// Operators that share a config.
void QuantizerReader::read_set(const YamlNode& node, const std::string& path) {
  YamlMap set(node, path, reading_.diagnostics);
  const YamlNode* types = set.find("types");
  const YamlNode* config = set.find("config");
  set.finish();
  if (node.kind != YamlNode::Kind::kMap) return;
  if (!types || !config) {
    return reading_.wrong(fmt::format("'{}' has no '{}'", path, types ? "config" : "types"), node.where);
  }
  const std::vector<std::string> words = types_in(*types, path);
  const std::string what = fmt::format("{} operators {}", what_, quote(join(words, ", ")));
  const Qconfig qconfig = read_quantization_config(*config, what, reading_);
  std::vector<std::string> operators;
  for (const std::string& word : words) {
    if (const auto selector = type_selector(word, types->where, reading_))
      operators.push_back(selector->text);
  }
  if (operators.empty()) return;
  Selector any;
  any.kind = Selector::Kind::kType;
  any.text = join(operators, ",");
  append_settings(any, qconfig, what, settings);
}

/// Types, and patterns: lists of the types that follow each other.
std::vector<std::string> QuantizerReader::types_in(const YamlNode& list, const std::string& path) {
  std::vector<std::string> types;
  if (list.kind != YamlNode::Kind::kList || list.items.empty()) {
    reading_.wrong(fmt::format("'{}.types' must be a list of operator types and patterns", path), list.where);
    return types;
  }
  for (const auto& item : list.items) {
    const bool pattern = item->kind == YamlNode::Kind::kList && !item->items.empty();
    const YamlNode& first = pattern ? *item->items.front() : *item;
    const auto is_text = [](const auto& each) { return each->kind == YamlNode::Kind::kScalar; };
    if (pattern && std::all_of(item->items.begin(), item->items.end(), is_text) && item->items.size() > 1) {
      std::vector<std::string> words;
      for (const auto& each : item->items) words.push_back(each->text);
      reading_.later(fmt::format("the pattern {} of '{}'", quote(join(words, "-")), path), item->where);
    } else if (first.kind == YamlNode::Kind::kScalar && !first.text.empty()) {
      types.push_back(first.text);
    } else {
      reading_.wrong(fmt::format("an item of '{}.types' must be a type, or a list of types that follow each "
                                 "other",
                                 path),
                     item->where);
    }
  }
  return types;
}

/// For all nodes what is read and what is made are the same tensors.
void QuantizerReader::read_global(const YamlNode& node) {
  const std::string what = what_ + " global";
  Qconfig config = read_quantization_config(node, what, reading_);
  const Said* input = precision_of(config, Slot::kInput);
  const Said* output = precision_of(config, Slot::kOutput);
  if (input && (!output || output->says != input->says)) {
    reading_.later(fmt::format("an input_activation of {} that is not the output_activation", what),
                   input->where);
  }
  std::erase_if(config.said, [](const Said& said) { return said.slot == Slot::kInput; });
  append_settings(Selector(), config, what, settings);
}

}  // namespace

std::vector<Setting> read_quantizers(YamlMap& file, Diagnostics& diagnostics, Diagnostics& not_yet) {
  const Reading reading{diagnostics, not_yet};
  std::vector<Setting> settings;
  const YamlNode* list = file.find("quantizers");
  if (!list) return settings;
  if (list->kind != YamlNode::Kind::kList) {
    reading.wrong(
        fmt::format("'quantizers' must be a list, the quantizer of the highest priority first, not {}",
                    describe(*list)),
        list->where);
    return settings;
  }
  if (list->items.empty()) {
    reading.wrong("'quantizers' has no quantizer, so nothing would be quantised", list->where);
  }
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    QuantizerReader reader(*list->items[i], fmt::format("quantizers[{}]", i), reading);
    reader.read();
    settings.insert(settings.end(), reader.settings.begin(), reader.settings.end());
  }
  append_float(list->where, "quantizers: what none of them speaks of", settings);
  return settings;
}

}  // namespace qprep
