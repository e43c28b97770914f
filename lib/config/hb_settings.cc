#include "config/hb_settings.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "config/quote.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::string_view kCalibration = "calibration_parameters";
constexpr std::string_view kInputType = "InputType";

std::optional<Precision> dtype_of(const YamlNode& node, const std::string& name, const Findings& findings) {
  const bool is_word = node.kind == YamlNode::Kind::kScalar;
  const auto& words = hb_dtypes();
  if (is_word && std::find(words.begin(), words.end(), node.text) != words.end())
    return precision_from(node.text);
  findings.wrong(
      fmt::format("{} must be one of {}{}{}", name, join(words, ", "),
                  is_word ? ", not " + quote(node.text) : "", is_word ? did_you_mean(node.text, words) : ""),
      node.where);
  return std::nullopt;
}

/// Where a word of a value stands, as far as its text says.
Where place_of(const std::string& word, const HbValue& value) {
  Where where = value.where;
  if (!value.node) return where;
  for (const auto& item : value.node->items) {
    if (item->text == word) return item->where;
  }
  const bool one_line = value.node->text.find_first_of(" \t\n") == std::string::npos;
  const std::size_t at = one_line ? value.node->text.find(word) : std::string::npos;
  if (at != std::string::npos) where.column += static_cast<int>(at) + (value.node->quoted ? 1 : 0);
  return where;
}

/// "InputType" is every input, "InputType1" the second; nullopt: neither.
std::optional<std::optional<std::size_t>> input_of(std::string_view key) {
  if (!key.starts_with(kInputType)) return std::nullopt;
  key.remove_prefix(kInputType.size());
  if (key.empty()) return std::optional<std::size_t>();
  std::size_t input = 0;
  const auto [stop, error] = std::from_chars(key.data(), key.data() + key.size(), input);
  if (error != std::errc() || stop != key.data() + key.size() || input > 999) return std::nullopt;
  return std::optional(input);
}

/// What it reads and what it makes.
void add_both(const std::string& name, Precision precision, const Where& where, const std::string& what,
              HbSettings& settings) {
  for (const Slot slot : {Slot::kInput, Slot::kOutput}) {
    settings.settings.push_back(setting_of_node(name, slot, precision, where, what));
  }
}

void read_device(const std::string& name, const std::string& what, const YamlNode& on,
                 const Findings& findings, HbSettings& settings) {
  if (on.kind == YamlNode::Kind::kScalar && on.text == "BPU") {
    settings.wants_bpu.push_back({name, on.where});
  } else if (on.kind == YamlNode::Kind::kScalar && on.text == "CPU") {
    settings.settings.push_back(setting_of_node(name, Slot::kNode, Precision::kFloat32, on.where, what));
  } else {
    findings.wrong(fmt::format("{} must be one of BPU, CPU{}", what,
                               on.kind == YamlNode::Kind::kScalar ? ", not " + quote(on.text) : ""),
                   on.where);
  }
}

/// "a:int16;b:int16".
void read_node_list(const HbValue& value, const std::string& key, const Findings& findings,
                    HbSettings& settings) {
  for (const std::string& part : split(value.text, ";")) {
    const std::size_t colon = part.rfind(':');
    if (part.empty()) continue;
    if (colon == std::string::npos || colon == 0) {
      findings.wrong(fmt::format("'{}' as a text is 'node:int16;node:int16', not {}", key, quote(part)),
                     value.where);
      continue;
    }
    const std::string name = part.substr(0, colon);
    YamlNode dtype;
    dtype.kind = YamlNode::Kind::kScalar;
    dtype.text = part.substr(colon + 1);
    dtype.where = value.where;
    const std::string what = fmt::format("{} {}", key, quote(name));
    if (const auto precision = dtype_of(dtype, what, findings)) {
      add_both(name, *precision, value.where, what, settings);
    }
  }
}

/// "set_Softmax_input_int8": the operator, the slot and the number format.
struct OperatorWord {
  std::string op;
  Slot slot = Slot::kOutput;
  Precision precision = Precision::kInt8;
};

std::optional<OperatorWord> operator_word(std::string_view word) {
  if (!word.starts_with("set_")) return std::nullopt;
  word.remove_prefix(4);
  const std::size_t last = word.rfind('_');
  const std::size_t slot = last == word.npos || last == 0 ? word.npos : word.rfind('_', last - 1);
  if (slot == word.npos || slot == 0) return std::nullopt;
  const std::string_view side = word.substr(slot + 1, last - slot - 1), dtype = word.substr(last + 1);
  const auto& words = hb_dtypes();
  if ((side != "input" && side != "output") || std::find(words.begin(), words.end(), dtype) == words.end())
    return std::nullopt;
  return OperatorWord{std::string(word.substr(0, slot)), side == "input" ? Slot::kInput : Slot::kOutput,
                      precision_from(dtype).value()};
}

}  // namespace

const std::vector<std::string>& hb_dtypes() {
  static const std::vector<std::string> words = {"int8", "int16"};
  return words;
}

Setting setting_of_node(std::string name, Slot slot, Says says, Where where, std::string what) {
  Selector selector;
  selector.kind = Selector::Kind::kExact;
  selector.text = std::move(name);
  Setting setting;
  setting.selector = std::move(selector);
  setting.slot = slot;
  setting.says = std::move(says);
  setting.where = std::move(where);
  setting.what = std::move(what);
  return setting;
}

void read_node_entry(const std::string& key, const YamlNode::Entry& node, const Findings& findings,
                     HbSettings& settings) {
  const std::string what = fmt::format("{} {}", key, quote(node.key));
  if (node.key.empty()) return findings.wrong(fmt::format("a name in '{}' is empty", key), node.where);
  if (node.value->kind == YamlNode::Kind::kScalar) {
    if (const auto precision = dtype_of(*node.value, what, findings))
      add_both(node.key, *precision, node.where, what, settings);
    return;
  }
  if (node.value->kind != YamlNode::Kind::kMap) {
    return findings.wrong(fmt::format("{} must be a map of ON, InputType and OutputType", what),
                          node.value->where);
  }
  const std::vector<std::string> known = {"ON", "InputType", "InputType0", "OutputType"};
  for (const YamlNode::Entry& entry : node.value->entries) {
    const std::string of = fmt::format("{} {}", what, entry.key);
    const auto input = input_of(entry.key);
    if (entry.key == "ON") {
      read_device(node.key, of, *entry.value, findings, settings);
    } else if (input || entry.key == "OutputType") {
      const auto precision = dtype_of(*entry.value, of, findings);
      if (!precision) continue;
      settings.settings.push_back(
          setting_of_node(node.key, input ? Slot::kInput : Slot::kOutput, *precision, entry.where, of));
      if (input) settings.settings.back().input = *input;
    } else {
      findings.mistakes.error(codes::kUnknownKey,
                              fmt::format("unknown key {} in {}{}; known: {}", quote(entry.key), what,
                                          did_you_mean(entry.key, known), join(known, ", ")),
                              entry.where);
    }
  }
}

void read_node_info(const HbFile& file, const Findings& findings, HbSettings& settings) {
  for (const std::string key : {"node_info", "set_node_data_type"}) {
    const HbValue* value = file.find("model_parameters", key);
    if (!value) continue;
    if (value->node->kind == YamlNode::Kind::kScalar) {
      read_node_list(*value, key, findings, settings);
    } else if (value->node->kind == YamlNode::Kind::kMap) {
      for (const YamlNode::Entry& node : value->node->entries) read_node_entry(key, node, findings, settings);
    } else {
      findings.wrong(
          fmt::format("'{}' must be a map from nodes to ON, InputType and OutputType, or a text as "
                      "'node:int16;node:int16'",
                      key),
          value->where);
    }
  }
}

void read_run_on(const HbFile& file, const Findings& findings, HbSettings& settings) {
  const HbValue* on_cpu = file.find(kCalibration, "run_on_cpu");
  const HbValue* on_bpu = file.find(kCalibration, "run_on_bpu");
  if (on_cpu) {
    for (const std::string& name : on_cpu->parts) {
      settings.settings.push_back(setting_of_node(name, Slot::kNode, Precision::kFloat32, on_cpu->where,
                                                  fmt::format("run_on_cpu {}", quote(name))));
    }
  }
  if (!on_bpu) return;
  for (const std::string& name : on_bpu->parts) {
    settings.wants_bpu.push_back({name, on_bpu->where});
    if (!on_cpu || std::find(on_cpu->parts.begin(), on_cpu->parts.end(), name) == on_cpu->parts.end())
      continue;
    findings.wrong(fmt::format("'run_on_cpu' and 'run_on_bpu' both name {}", quote(name)), on_bpu->where);
  }
}

void read_optimization(const HbFile& file, const Findings& findings, HbSettings& settings) {
  const HbValue* value = file.find(kCalibration, "optimization");
  if (!value) return;
  const std::vector<std::string> known = {
      "set_model_output_int8", "set_model_output_int16", "set_all_nodes_int16",  "run_fast",
      "set_{Op}_input_int8",   "set_{Op}_input_int16",   "set_{Op}_output_int8", "set_{Op}_output_int16"};
  std::vector<Setting> of_operators, of_outputs, of_all;
  for (const std::string& word : value->parts) {
    const std::string what = "optimization " + word;
    const Where where = place_of(word, *value);
    if (word == "set_all_nodes_int16") {
      of_all.push_back(setting_for_all(Slot::kOutput, Precision::kInt16, where, what));
    } else if (word == "set_model_output_int8" || word == "set_model_output_int16") {
      const Precision precision = word.ends_with("16") ? Precision::kInt16 : Precision::kInt8;
      for (const Slot slot : {Slot::kHighPrecision, Slot::kTail}) {
        of_outputs.push_back(setting_for_all(slot, precision, where, what));
      }
    } else if (word == "run_fast") {
      findings.remarks.note(codes::kChosenMethod,
                            "'run_fast' shortens hb_mapper's search for a calibration method; qprep's "
                            "search with 'calibration_type' default stays whole",
                            where);
    } else if (const auto set = operator_word(word)) {
      Selector selector;
      selector.kind = Selector::Kind::kType;
      selector.text = set->op;
      Setting setting = setting_for_all(set->slot, set->precision, where, what);
      setting.selector = std::move(selector);
      of_operators.push_back(std::move(setting));
    } else {
      findings.wrong(fmt::format("'calibration_parameters.optimization' must be of: {}, not {}{}",
                                 join(known, ", "), quote(word), did_you_mean(word, known)),
                     where);
    }
  }
  for (auto* each : {&of_operators, &of_outputs, &of_all}) {
    std::move(each->begin(), each->end(), std::back_inserter(settings.settings));
  }
}

}  // namespace qprep
