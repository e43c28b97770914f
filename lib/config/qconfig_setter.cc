#include "config/qconfig_setter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <string>
#include <utility>

#include "config/quote.h"
#include "config/selector.h"
#include "config/sensitivity.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::string_view kSuffix = "_qconfig_setter";

/// A template without arguments: what it asks for; nullopt: the usual precision.
struct Template {
  std::string_view name;
  std::optional<Precision> activations, weights;
};

constexpr std::array kTemplates = {
    Template{"default_calibration", std::nullopt, std::nullopt},
    Template{"default_qat", std::nullopt, std::nullopt},
    Template{"calibration_8bit_weight_16bit_act", Precision::kInt16, Precision::kInt8},
    Template{"qat_8bit_weight_16bit_act", Precision::kInt16, Precision::kInt8},
};

/// Templates that exist, and that prepare cannot carry out yet.
const std::vector<std::string> kLaterTemplates = {
    "default_qat_fixed_act",
    "qat_8bit_weight_16bit_fixed_act",
    "gemm_int8_calibration",
    "gemm_int8_qat",
    "all_fp16",
};
const std::vector<std::string> kLaterEntries = {"template"};
const std::vector<std::string> kLaterSlots = {"input", "bias", "threshold", "observer", "freeze"};

const std::vector<std::string> kDtypes = {"qint8", "qint16", "float", "int8", "int16"};
const std::vector<std::string> kLaterDtypes = {"qint4", "qint32", "float16", "int4", "int32"};

bool holds(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

class SetterReader {
 public:
  SetterReader(const UsualPrecision& usual, Diagnostics& diagnostics, Diagnostics& not_yet)
      : usual_(usual), diagnostics_(diagnostics), not_yet_(not_yet) {}

  void read_hybrid(YamlMap hybrid);
  void read_list(const YamlNode& list);

  std::vector<Setting> settings;

 private:
  void read_item(const YamlNode& item);
  void read_template(const YamlNode& item);
  void read_sensitive_op(const YamlNode& map);
  std::optional<std::size_t> rows_to_take(YamlMap& map, std::size_t rows);
  void read_selectors(const YamlNode& map, Selector::Kind kind, const std::string& key);
  void read_spec(const Selector& selector, const YamlNode& spec, const Where& where, const std::string& what);
  std::optional<Precision> dtype(const YamlNode& node, const std::string& name);
  bool is_selector(const Selector& selector, const Where& where);

  void wrong(std::string message, const Where& where) {
    diagnostics_.error(codes::kBadValue, std::move(message), where);
  }
  void later(const std::string& what, const Where& where) {
    not_yet_.error(codes::kNotYet, fmt::format("{} is understood, but prepare cannot carry it out yet", what),
                   where);
  }

  const UsualPrecision& usual_;
  Diagnostics& diagnostics_;
  Diagnostics& not_yet_;
};

/// Names override types, so their settings come first.
void SetterReader::read_hybrid(YamlMap hybrid) {
  const auto enabled = hybrid.boolean("enabled");
  const auto names = hybrid.texts("module_name");
  const auto types = hybrid.texts("module_type");
  hybrid.finish();
  if (!(enabled && enabled->value)) {
    for (const auto& named : {names, types}) {
      if (named.empty()) continue;
      wrong("'hybrid' names nodes for the CPU but is not enabled: write 'enabled: true', or leave them out",
            named.front().where);
      return;
    }
    return;
  }
  const auto add = [this](Selector::Kind kind, std::string_view key, const Placed<std::string>& name) {
    const Selector selector{kind, name.value};
    if (!is_selector(selector, name.where)) return;
    settings.push_back({selector, Slot::kNode, Precision::kFloat32, name.where,
                        fmt::format("hybrid.{} {}", key, quote(name.value))});
  };
  for (const auto& name : names) add(Selector::Kind::kName, "module_name", name);
  for (const auto& type : types) add(Selector::Kind::kType, "module_type", type);
}

void SetterReader::read_list(const YamlNode& list) {
  if (list.kind != YamlNode::Kind::kList) {
    return wrong("'qconfig_setter' must be a list, the setter of the highest priority first", list.where);
  }
  for (const auto& item : list.items) read_item(*item);
}

void SetterReader::read_item(const YamlNode& item) {
  if (item.kind == YamlNode::Kind::kScalar) return read_template(item);
  if (item.kind != YamlNode::Kind::kMap || item.entries.size() != 1) {
    return wrong(
        "a setter is the name of a template, or one key of module_name, module_type, sensitive_op or "
        "template "
        "with its settings",
        item.where);
  }
  const YamlNode::Entry& entry = item.entries.front();
  if (entry.key == "module_name") return read_selectors(*entry.value, Selector::Kind::kName, entry.key);
  if (entry.key == "module_type") return read_selectors(*entry.value, Selector::Kind::kType, entry.key);
  if (entry.key == "sensitive_op") return read_sensitive_op(*entry.value);
  if (holds(kLaterEntries, entry.key)) return later(quote(entry.key), entry.where);
  std::vector<std::string> known = kLaterEntries;
  known.insert(known.begin(), {"module_name", "module_type", "sensitive_op"});
  diagnostics_.error(codes::kUnknownKey,
                     fmt::format("unknown setter {}{}; known: {}", quote(entry.key),
                                 did_you_mean(entry.key, known), join(known, ", ")),
                     entry.where);
}

void SetterReader::read_template(const YamlNode& item) {
  std::string_view name = item.text;
  if (name.ends_with(kSuffix)) name.remove_suffix(kSuffix.size());
  const auto at =
      std::find_if(kTemplates.begin(), kTemplates.end(), [&](const Template& t) { return t.name == name; });
  if (at != kTemplates.end()) {
    const std::string what = fmt::format("qconfig_setter {}", at->name);
    settings.push_back(
        setting_for_all(Slot::kOutput, at->activations.value_or(usual_.activations), item.where, what));
    settings.push_back(
        setting_for_all(Slot::kWeight, at->weights.value_or(usual_.weights), item.where, what));
    return;
  }
  if (holds(kLaterTemplates, name)) return later(fmt::format("template {}", quote(name)), item.where);
  std::vector<std::string> known;
  for (const Template& each : kTemplates) known.emplace_back(each.name);
  known.insert(known.end(), kLaterTemplates.begin(), kLaterTemplates.end());
  wrong(fmt::format("there is no template {}{}; there are {}", quote(item.text), did_you_mean(name, known),
                    join(known, ", ")),
        item.where);
}

void SetterReader::read_selectors(const YamlNode& map, Selector::Kind kind, const std::string& key) {
  if (map.kind != YamlNode::Kind::kMap) {
    return wrong(fmt::format("'{}' must be a map from {} to settings", key,
                             kind == Selector::Kind::kName ? "names" : "operator types"),
                 map.where);
  }
  for (const YamlNode::Entry& entry : map.entries) {
    const Selector selector{kind, entry.key};
    if (!is_selector(selector, entry.where)) continue;
    read_spec(selector, *entry.value, entry.where, fmt::format("{} {}", key, quote(entry.key)));
  }
}

/// The first rows of the table count, whatever they are about; of those, the ones of the wanted type and
/// dtype hold.
void SetterReader::read_sensitive_op(const YamlNode& node) {
  YamlMap map(node, "sensitive_op", diagnostics_);
  const auto table = map.text("table");
  const auto type = map.word("type", {"activation", "weight", "both"});
  const auto to = map.word("dtype", kDtypes);
  const auto from = map.word("from", kDtypes);
  std::vector<SensitivityRow> rows;
  if (table) {
    const std::filesystem::path folder = std::filesystem::path(node.where.file).parent_path();
    rows = read_sensitivity_table((folder / table->value).lexically_normal(), table->where, diagnostics_);
  } else if (!map.has("table")) {
    wrong("'sensitive_op' has no 'table'; name the file of the sensitivity table", map.where());
  }
  const auto count = rows_to_take(map, rows.size());
  map.finish();
  if (!count) return;
  const Precision before = from ? precision_from(from->value).value() : Precision::kInt8;
  const Precision after = to ? precision_from(to->value).value() : Precision::kInt16;
  const std::string wanted = type ? type->value : "activation";
  rows.resize(*count);
  for (const SensitivityRow& row : rows) {
    const bool activation = row.type == "activation";
    const Precision now =
        precision_from(row.dtype).value_or(activation ? usual_.activations : usual_.weights);
    if ((wanted != "both" && wanted != row.type) || now != before) continue;
    const Selector selector{Selector::Kind::kExact, row.op};
    settings.push_back({selector, activation ? Slot::kOutput : Slot::kWeight, after, row.where,
                        fmt::format("sensitive_op {} {}", quote(row.op), row.type)});
  }
}

/// Exactly one of topk and ratio: ceil(rows * ratio).
std::optional<std::size_t> SetterReader::rows_to_take(YamlMap& map, std::size_t rows) {
  const auto topk = map.integer("topk", 1, 1'000'000);
  const auto ratio = map.text("ratio");
  if (map.has("topk") == map.has("ratio")) {
    wrong("'sensitive_op' takes either 'topk' (how many rows) or 'ratio' (which part of the rows)",
          map.where());
    return std::nullopt;
  }
  if (topk) return std::min(rows, static_cast<std::size_t>(topk->value));
  if (!ratio) return std::nullopt;
  double part = 0;
  const char* end = ratio->value.data() + ratio->value.size();
  const auto [stop, error] = std::from_chars(ratio->value.data(), end, part);
  if (error != std::errc() || stop != end || !(part > 0 && part <= 1)) {
    wrong(fmt::format("'sensitive_op.ratio' must be a number above 0 and not above 1, not {}",
                      quote(ratio->value)),
          ratio->where);
    return std::nullopt;
  }
  return static_cast<std::size_t>(std::ceil(static_cast<double>(rows) * part));
}

bool SetterReader::is_selector(const Selector& selector, const Where& where) {
  if (selector.text.empty()) {
    wrong("a selector has at least one letter; what holds for all nodes is in 'activations' and 'weights'",
          where);
    return false;
  }
  const auto error = selector.kind == Selector::Kind::kName ? pattern_error(selector.text) : std::nullopt;
  if (error) wrong(fmt::format("{} is no regular expression: {}", quote(selector.text), *error), where);
  return !error;
}

/// A dtype alone is that of the output; float leaves the whole node alone.
void SetterReader::read_spec(const Selector& selector, const YamlNode& spec, const Where& where,
                             const std::string& what) {
  if (spec.kind != YamlNode::Kind::kMap) {
    const auto precision = dtype(spec, what);
    if (!precision) return;
    const Slot slot = *precision == Precision::kFloat32 ? Slot::kNode : Slot::kOutput;
    settings.push_back({selector, slot, *precision, where, what});
    return;
  }
  const std::vector<std::string> known = {"output",    "weight",   "input", "bias",
                                          "threshold", "observer", "freeze"};
  for (const YamlNode::Entry& entry : spec.entries) {
    if (holds(kLaterSlots, entry.key)) {
      later(fmt::format("'{}' of {}", entry.key, what), entry.where);
    } else if (entry.key == "output" || entry.key == "weight") {
      const auto precision = dtype(*entry.value, fmt::format("{} {}", what, entry.key));
      if (!precision) continue;
      settings.push_back({selector, entry.key == "weight" ? Slot::kWeight : Slot::kOutput, *precision,
                          entry.where, fmt::format("{} {}", what, entry.key)});
    } else {
      diagnostics_.error(codes::kUnknownKey,
                         fmt::format("unknown key {} in {}{}; known: {}", quote(entry.key), what,
                                     did_you_mean(entry.key, known), join(known, ", ")),
                         entry.where);
    }
  }
}

std::optional<Precision> SetterReader::dtype(const YamlNode& node, const std::string& name) {
  if (node.kind == YamlNode::Kind::kScalar) {
    if (holds(kDtypes, node.text)) return precision_from(node.text);
    if (holds(kLaterDtypes, node.text)) {
      later(fmt::format("{} for {}", quote(node.text), name), node.where);
      return std::nullopt;
    }
  }
  const bool is_word = node.kind == YamlNode::Kind::kScalar;
  wrong(fmt::format("{} must be one of {}{}{}", name, join(kDtypes, ", "),
                    is_word ? ", not " + quote(node.text) : "",
                    is_word ? did_you_mean(node.text, kDtypes) : ""),
        node.where);
  return std::nullopt;
}

}  // namespace

std::vector<Setting> read_qconfig_setter(YamlMap& file, const UsualPrecision& usual, Diagnostics& diagnostics,
                                         Diagnostics& not_yet) {
  SetterReader reader(usual, diagnostics, not_yet);
  reader.read_hybrid(file.map("hybrid"));
  if (const YamlNode* list = file.find("qconfig_setter")) reader.read_list(*list);
  return std::move(reader.settings);
}

}  // namespace qprep
