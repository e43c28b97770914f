#include "config/setting_spec.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <utility>

#include "config/quote.h"
#include "plan/observer.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

const std::vector<std::string> kDtypes = {"qint8", "qint16", "float", "int8", "int16"};
const std::vector<std::string> kLaterDtypes = {"qint4", "qint32", "float16", "int4", "int32"};
const std::vector<std::string> kSpecKeys = {"output", "weight",    "input",  "bias",
                                            "dtype",  "threshold", "freeze", "optional"};
/// Of a slot, not of a node.
const std::vector<std::string> kAspects = {"observer",    "fake_quant", "averaging_constant", "scale",
                                           "per_channel", "share",      "same_scale",         "power_of_two"};
/// Of activations, besides the methods of calibration; of weights, besides mse.
const std::vector<std::string> kObservers = {"min_max", "moving_average"};
const std::vector<std::string> kLaterObservers = {"histogram", "fixed_scale", "clip", "clip_std"};
const std::vector<std::string> kFakeQuants = {"fake_quant"};
const std::vector<std::string> kLaterFakeQuants = {"lsq", "pact"};

bool holds(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// What other tools call float, as it is called here.
std::string in_own_words(const std::string& dtype) {
  return holds({"float32", "fp32", "none", "None"}, dtype) ? "float" : dtype;
}

std::vector<std::string> all_of(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// "input0", "input[0]": the number of an input; nullopt: another key.
std::optional<std::size_t> input_number(std::string_view key) {
  constexpr std::string_view kInput = "input";
  if (!key.starts_with(kInput)) return std::nullopt;
  key.remove_prefix(kInput.size());
  if (key.starts_with('[') && key.ends_with(']')) key = key.substr(1, key.size() - 2);
  std::size_t number = 0;
  const auto [stop, error] = std::from_chars(key.data(), key.data() + key.size(), number);
  if (key.empty() || error != std::errc() || stop != key.data() + key.size()) return std::nullopt;
  return number;
}

bool is_scale(double value) {
  return value > 0 && value >= static_cast<double>(std::numeric_limits<float>::min()) * 65536.0 &&
         value <= static_cast<double>(std::numeric_limits<float>::max());
}

}  // namespace

/// What all slots of one spec share.
struct SpecReader::Target {
  const Selector& selector;
  const std::string& what;
  const Where& where;
  const std::optional<SaidAt>& template_at;
  std::vector<Setting>& settings;
};

std::optional<double> number_of(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kScalar || node.quoted) return std::nullopt;
  double value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [stop, error] = std::from_chars(node.text.data(), end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

void SpecReader::wrong(std::string message, const Where& where) {
  diagnostics_.error(codes::kBadValue, std::move(message), where);
}

void SpecReader::no_effect(std::string message, const Where& where) {
  diagnostics_.warning(codes::kNoEffect, std::move(message), where);
}

void SpecReader::later(const std::string& what, const Where& where) {
  not_yet_.error(codes::kNotYet, fmt::format("{} is understood, but prepare cannot carry it out yet", what),
                 where);
}

void SpecReader::add(const Target& target, Slot slot, const SaidDtype& dtype, const Where& where,
                     const std::string& name, std::optional<std::size_t> input) {
  add(target, slot, dtype.precision, where, name + dtype.as, input);
  if (target.template_at) target.settings.back().what += dtype.as;
  target.settings.back().repeats_at = dtype.repeats_at;
}

void SpecReader::add(const Target& target, Slot slot, Says says, const Where& where, const std::string& name,
                     std::optional<std::size_t> input) {
  Setting setting;
  setting.selector = target.selector;
  setting.slot = slot;
  setting.says = std::move(says);
  setting.input = input;
  if (const auto& at = target.template_at) {
    const bool named = target.selector.kind != Selector::Kind::kAll;
    setting.where = at->where;
    setting.what = at->what + (named ? fmt::format(" ({})", target.what) : "");
  } else {
    setting.where = where;
    setting.named_at = target.where;
    setting.what = name;
  }
  target.settings.push_back(std::move(setting));
}

/// A dtype alone is that of the output; float leaves the whole node alone.
void SpecReader::read(const Selector& named, const YamlNode& spec, const Where& where,
                      const std::string& what, const std::optional<SaidAt>& template_at,
                      std::vector<Setting>& settings) {
  Selector selector = named;
  const Target target{selector, what, where, template_at, settings};
  if (spec.kind != YamlNode::Kind::kMap) {
    const auto dtype = dtype_or_usual(spec, what, target, Slot::kOutput);
    if (!dtype) return;
    const bool is_float = dtype->precision == Precision::kFloat32;
    const bool skips = is_float && selector.kind != Selector::Kind::kAll;
    add(target, skips ? Slot::kNode : Slot::kOutput, *dtype, where, what);
    if (is_float && !skips) add(target, Slot::kWeight, *dtype, where, what);
    return;
  }
  if (spec.entries.empty()) return wrong(fmt::format("{} says nothing", what), spec.where);
  YamlMap map(spec, "", diagnostics_);
  if (const auto optional = map.boolean("optional")) selector.optional = optional->value;
  for (const YamlNode::Entry& entry : spec.entries) {
    const std::string name = fmt::format("{} {}", what, entry.key);
    if (entry.key == "output" || entry.key == "dtype") {
      read_slot(target, Slot::kOutput, *entry.value, entry.where, name, std::nullopt);
    } else if (entry.key == "weight") {
      read_slot(target, Slot::kWeight, *entry.value, entry.where, name, std::nullopt);
    } else if (entry.key == "input") {
      read_inputs(target, *entry.value, entry.where, name);
    } else if (const auto number = input_number(entry.key)) {
      read_slot(target, Slot::kInput, *entry.value, entry.where, name, number);
    } else if (entry.key == "threshold") {
      read_threshold(target, *entry.value, entry.where);
    } else if (entry.key == "high_precision_output" && selector.kind == Selector::Kind::kAll) {
      read_slot(target, Slot::kHighPrecision, *entry.value, entry.where, name, std::nullopt);
    } else if (entry.key == "bias") {
      const auto word = map.word("bias", {"qint32", "int32", "float"});
      if (word && word->value == "float") later(name + " float", entry.where);
    } else if (entry.key == "freeze") {
      const auto frozen = map.boolean("freeze");
      if (frozen && frozen->value) add(target, Slot::kOutput, AveragingConstant{0}, entry.where, name);
    } else if (holds(kAspects, entry.key)) {
      const std::string_view slot = entry.key == "per_channel" ? "weight" : "output";
      diagnostics_.error(codes::kUnknownKey,
                         fmt::format("{} in {} belongs to one slot: write {}: {{{}: ...}}", quote(entry.key),
                                     what, slot, entry.key),
                         entry.where);
    } else if (entry.key != "optional") {
      std::vector<std::string> known = kSpecKeys;
      if (selector.kind == Selector::Kind::kAll) known.emplace_back("high_precision_output");
      diagnostics_.error(codes::kUnknownKey,
                         fmt::format("unknown key {} in {}{}; known: {}", quote(entry.key), what,
                                     did_you_mean(entry.key, known), join(known, ", ")),
                         entry.where);
    }
  }
  if (spec.entries.size() == 1 && spec.entries.front().key == "optional") {
    wrong(fmt::format("{} says nothing but 'optional'", what), spec.where);
  }
  warn_of_contradictions(what, spec);
}

void SpecReader::warn_of_contradictions(const std::string& what, const YamlNode& spec) {
  const YamlNode::Entry* threshold = nullptr;
  const YamlNode::Entry* freeze = nullptr;
  bool is_float = false;
  for (const YamlNode::Entry& entry : spec.entries) {
    if (entry.key == "threshold") threshold = &entry;
    if (entry.key == "freeze" && entry.value->text == "true") freeze = &entry;
    const bool says_float = entry.value->text == "float" || entry.value->text == "float32";
    if ((entry.key == "output" || entry.key == "dtype") && says_float) is_float = true;
  }
  if (is_float) {
    for (const YamlNode::Entry* entry : {threshold, freeze}) {
      if (!entry) continue;
      no_effect(fmt::format("{} {} has no effect: the output stays float", what, entry->key), entry->where);
    }
  } else if (threshold && freeze) {
    no_effect(fmt::format("{} freeze has no effect: a threshold fixes the scale", what), freeze->where);
  }
}

void SpecReader::read_slot(const Target& target, Slot slot, const YamlNode& node, const Where& where,
                           const std::string& name, std::optional<std::size_t> input) {
  if (node.kind != YamlNode::Kind::kMap) {
    const auto dtype = dtype_or_usual(node, name, target, slot);
    if (dtype) add(target, slot, *dtype, where, name, input);
    return;
  }
  if (node.entries.empty()) return wrong(fmt::format("{} says nothing", name), node.where);
  YamlMap map(node, std::string(to_text(slot)), diagnostics_);
  if (const YamlNode* word = map.find("dtype")) {
    const auto dtype = dtype_or_usual(*word, name + " dtype", target, slot);
    if (dtype) add(target, slot, *dtype, word->where, name, input);
  }
  for (Placed<Says>& said : aspects(map, slot == Slot::kWeight)) {
    add(target, slot, std::move(said.value), said.where, name, input);
  }
  map.finish();
}

/// `input: qint8` speaks of all inputs, `input: {0: qint8, 1: qint16}` and a list of each.
void SpecReader::read_inputs(const Target& target, const YamlNode& node, const Where& where,
                             const std::string& name) {
  if (node.kind == YamlNode::Kind::kList) {
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      read_slot(target, Slot::kInput, *node.items[i], node.items[i]->where, fmt::format("{}[{}]", name, i),
                i);
    }
    return;
  }
  const bool numbered = node.kind == YamlNode::Kind::kMap && !node.entries.empty() &&
                        input_number("input" + node.entries.front().key);
  if (!numbered) return read_slot(target, Slot::kInput, node, where, name, std::nullopt);
  for (const YamlNode::Entry& entry : node.entries) {
    const auto number = input_number("input" + entry.key);
    if (!number) {
      wrong(fmt::format("{} numbers its inputs, and {} is no number", name, quote(entry.key)), entry.where);
      continue;
    }
    read_slot(target, Slot::kInput, *entry.value, entry.where, fmt::format("{}[{}]", name, entry.key),
              number);
  }
}

/// `threshold: 1.0` is that of the output; `threshold: {output: 1.0, input: 0.5}` of each.
void SpecReader::read_threshold(const Target& target, const YamlNode& node, const Where& where) {
  const auto take = [&](const YamlNode& value, Slot slot, const Where& at, std::optional<std::size_t> input) {
    const auto threshold = number_of(value);
    if (threshold && is_scale(*threshold)) {
      return add(target, slot, FixedScale{*threshold, 0}, at, target.what + " threshold", input);
    }
    wrong(fmt::format("{} threshold must be a number above 0, in the range of a float32, not {}", target.what,
                      describe(value)),
          value.where);
  };
  if (node.kind != YamlNode::Kind::kMap) return take(node, Slot::kOutput, where, std::nullopt);
  for (const YamlNode::Entry& entry : node.entries) {
    if (entry.key == "output") {
      take(*entry.value, Slot::kOutput, entry.where, std::nullopt);
    } else if (entry.key == "input") {
      take(*entry.value, Slot::kInput, entry.where, std::nullopt);
    } else if (const auto number = input_number(entry.key)) {
      take(*entry.value, Slot::kInput, entry.where, number);
    } else {
      diagnostics_.error(
          codes::kUnknownKey,
          fmt::format("unknown key {} in {} threshold; known: output, input, input0, input1, ...",
                      quote(entry.key), target.what),
          entry.where);
    }
  }
}

std::vector<Placed<Says>> SpecReader::aspects(YamlMap& map, bool weight) {
  std::vector<Placed<Says>> found;
  const std::vector<std::string> observers = all_of(kObservers, observers_with_method());
  if (const auto observer = map.word("observer", all_of(observers, kLaterObservers))) {
    const bool is_there =
        weight ? is_observer_of_weights(observer->value) : holds(observers, observer->value);
    if (!is_there) {
      later(fmt::format("{} {}", map.name_of("observer"), quote(observer->value)), observer->where);
    } else {
      found.push_back({ObserverName{observer->value}, observer->where});
    }
  }
  if (const auto kind = map.word("fake_quant", all_of(kFakeQuants, kLaterFakeQuants))) {
    if (holds(kLaterFakeQuants, kind->value)) {
      later(fmt::format("{} {}", map.name_of("fake_quant"), quote(kind->value)), kind->where);
    }
  }
  if (const YamlNode* constant = map.find("averaging_constant")) {
    const auto value = number_of(*constant);
    if (value && *value >= 0 && *value <= 1) {
      found.push_back({AveragingConstant{static_cast<float>(*value)}, constant->where});
    } else {
      wrong(fmt::format("{} must be a number from 0 (frozen) to 1, not {}", map.name_of("averaging_constant"),
                        describe(*constant)),
            constant->where);
    }
  }
  if (const auto rounded = map.boolean("power_of_two")) {
    found.push_back({PowerOfTwo{rounded->value}, rounded->where});
  }
  if (const auto per_channel = map.boolean("per_channel")) {
    found.push_back({PerChannel{per_channel->value}, per_channel->where});
  }
  if (weight) return found;
  if (const auto share = map.boolean("share")) {
    found.push_back({SharedScale{share->value}, share->where});
  }
  if (const auto same = map.boolean("same_scale")) {
    found.push_back({SameScale{same->value}, same->where});
  }
  const bool both = map.has("threshold") && map.has("scale");
  for (const bool is_threshold : {true, false}) {
    const char* key = is_threshold ? "threshold" : "scale";
    const YamlNode* given = map.find(key);
    if (!given) continue;
    const auto value = number_of(*given);
    if (both) {
      if (!is_threshold) {
        wrong(
            fmt::format("{} and {} say the same in two ways", map.name_of("threshold"), map.name_of("scale")),
            given->where);
      }
    } else if (value && is_scale(*value)) {
      found.push_back({is_threshold ? FixedScale{*value, 0} : FixedScale{0, *value}, given->where});
    } else {
      wrong(fmt::format("{} must be a number above 0, in the range of a float32, not {}", map.name_of(key),
                        describe(*given)),
            given->where);
    }
  }
  return found;
}

std::optional<SpecReader::SaidDtype> SpecReader::dtype_or_usual(const YamlNode& node, const std::string& name,
                                                                const Target& target, Slot slot) {
  const bool repeats = target.template_at && node.kind == YamlNode::Kind::kScalar && node.text == "usual";
  if (!repeats) {
    const auto precision = dtype(node, name);
    return precision ? std::optional(SaidDtype{*precision}) : std::nullopt;
  }
  const bool weight = slot == Slot::kWeight;
  const Placed<Precision>& usual = weight ? usual_.weights : usual_.activations;
  const std::string as =
      fmt::format(" as {}.dtype in line {}", weight ? "weights" : "activations", usual.where.line);
  return SaidDtype{usual.value, usual.where.line > 0 ? as : "", usual.where};
}

std::optional<Precision> SpecReader::dtype(const YamlNode& node, const std::string& name) {
  const bool is_word = node.kind == YamlNode::Kind::kScalar;
  if (is_word && holds(kDtypes, node.text)) return precision_from(node.text);
  if (is_word && holds(kLaterDtypes, node.text)) {
    later(fmt::format("{} for {}", quote(node.text), name), node.where);
    return std::nullopt;
  }
  wrong(fmt::format("{} must be one of {}, not {}{}", name, join(kDtypes, ", "), describe(node),
                    is_word ? did_you_mean(in_own_words(node.text), kDtypes) : ""),
        node.where);
  return std::nullopt;
}

}  // namespace qprep
