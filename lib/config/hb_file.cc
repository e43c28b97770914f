#include "config/hb_file.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

#include "config/quote.h"
#include "config/recognise.h"
#include "support/text.h"

namespace qprep {
namespace {

using Kind = YamlNode::Kind;

constexpr std::size_t kMostUnknown = 20;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::optional<double> number_in(std::string_view text) {
  double number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && stop == text.data() + text.size() && std::isfinite(number);
  return whole ? std::optional(number) : std::nullopt;
}

/// A list of scalars as the text that it stands for.
std::optional<std::string> joined(const YamlNode& list, std::string_view separator) {
  std::string text;
  for (const auto& item : list.items) {
    if (item->kind != Kind::kScalar) return std::nullopt;
    text += (text.empty() ? "" : std::string(separator)) + item->text;
  }
  return text;
}

bool is_map_kind(HbKind kind) {
  return kind == HbKind::kNodeInfo || kind == HbKind::kQuantConfig || kind == HbKind::kSources ||
         kind == HbKind::kFlags;
}

bool is_one_for_each_input(HbKind kind) {
  return kind == HbKind::kPaths || kind == HbKind::kWords || kind == HbKind::kIntegers ||
         kind == HbKind::kShapes;
}

bool is_empty(const YamlNode& node) {
  return node.kind == Kind::kNull || (node.kind == Kind::kScalar && trimmed(node.text).empty()) ||
         (node.kind == Kind::kScalar && !node.quoted && node.text == "None");
}

std::string described(const YamlNode& node) {
  return node.kind == Kind::kMap ? "a map" : node.kind == Kind::kList ? "a list" : quote(node.text);
}

}  // namespace

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  text = trimmed(text);
  while (!text.empty()) {
    const std::size_t end = text.find_first_of(separators);
    parts.emplace_back(trimmed(text.substr(0, end)));
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

std::optional<bool> hb_flag(std::string_view text) {
  const std::string word = lower(text);
  if (word == "true" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "no" || word == "off") return false;
  return std::nullopt;
}

HbFile::HbFile(const YamlNode& root, const HbKeys& keys, const Findings& findings)
    : root_(root), keys_(keys), findings_(findings), tool_(told_tool()) {
  for (const YamlNode::Entry& group : root.entries) read_group(group);
  miss_required();
}

/// By the march; where it does not tell, by keys that only one of the tools has.
HbTool HbFile::told_tool() const {
  bool only_compile = false;
  for (const YamlNode::Entry& group : root_.entries) {
    if (group.value->kind != Kind::kMap) continue;
    for (const YamlNode::Entry& entry : group.value->entries) {
      if (group.key == "model_parameters" && entry.key == "march" && entry.value->kind == Kind::kScalar) {
        if (entry.value->text.starts_with("nash")) return HbTool::kCompile;
        if (entry.value->text.starts_with("b")) return HbTool::kMapper;
      }
      only_compile = only_compile || (keys_.find(HbTool::kCompile, group.key, entry.key) != nullptr &&
                                      keys_.find(HbTool::kMapper, group.key, entry.key) == nullptr);
    }
  }
  return only_compile ? HbTool::kCompile : HbTool::kMapper;
}

void HbFile::read_group(const YamlNode::Entry& group) {
  if (std::find(keys_.groups.begin(), keys_.groups.end(), group.key) == keys_.groups.end()) {
    return unknown_group(group);
  }
  if (group.value->kind == Kind::kNull) return;
  if (group.value->kind != Kind::kMap) {
    return findings_.wrong(
        fmt::format("'{}' must be a map of keys and values, not {}", group.key, described(*group.value)),
        group.value->where);
  }
  for (const YamlNode::Entry& entry : group.value->entries) read_key(group.key, entry);
}

/// A file of unknown keys is no file of these tools, and a few of them show that.
bool HbFile::is_one_too_many(const Where& where) {
  if (++unknown_ == kMostUnknown + 1) {
    findings_.mistakes.error(codes::kUnknownKey, "and more unknown keys from here on", where);
  }
  return unknown_ > kMostUnknown;
}

void HbFile::unknown_group(const YamlNode::Entry& group) {
  if (is_one_too_many(group.where)) return;
  if (is_own_key(group.key)) {
    findings_.mistakes.error(
        codes::kMixedForms,
        fmt::format(
            "{} is a key of qprep's own configurations, and 'model_parameters' and its like are those "
            "of {}; a file is written in one way",
            quote(group.key), to_text(tool_)),
        group.where);
    return;
  }
  std::string inside;  // a key that lost its indentation
  for (const HbKey& key : keys_.of(tool_)) {
    if (key.name == group.key) inside = fmt::format("; it belongs in '{}'", key.group);
  }
  findings_.mistakes.error(
      codes::kUnknownKey,
      fmt::format("unknown key {}{}{}; {} knows {}", quote(group.key), did_you_mean(group.key, keys_.groups),
                  inside, to_text(tool_), join(keys_.groups, ", ")),
      group.where);
}

void HbFile::unknown_key(const std::string& group, const YamlNode::Entry& entry) {
  if (is_one_too_many(entry.where)) return;
  const HbTool other = tool_ == HbTool::kMapper ? HbTool::kCompile : HbTool::kMapper;
  if (keys_.find(other, group, entry.key) != nullptr) {
    findings_.mistakes.error(codes::kUnknownKey,
                             fmt::format("'{}' of '{}' is a key of {}; this file is one of {} by its march",
                                         entry.key, group, to_text(other), to_text(tool_)),
                             entry.where);
    return;
  }
  std::vector<std::string> known;
  std::string elsewhere;
  for (const HbKey& key : keys_.of(tool_)) {
    if (key.group == group) known.push_back(key.name);
    if (key.name == entry.key) elsewhere = fmt::format("; it belongs in '{}'", key.group);
  }
  findings_.mistakes.error(
      codes::kUnknownKey,
      fmt::format("unknown key {} in '{}'{}{}; known: {}", quote(entry.key), group,
                  elsewhere.empty() ? did_you_mean(entry.key, known) : "", elsewhere, join(known, ", ")),
      entry.where);
}

void HbFile::read_key(const std::string& group, const YamlNode::Entry& entry) {
  const HbKey* key = keys_.find(tool_, group, entry.key);
  if (key == nullptr) return unknown_key(group, entry);
  if (!key->deprecated.empty()) {
    findings_.remarks.warning(
        codes::kDeprecatedKey,
        fmt::format("'{}' is deprecated in {}: {}", key->path(), to_text(tool_), key->deprecated),
        entry.where);
  }
  if (is_empty(*entry.value)) return;
  HbValue value{key, entry.value->where, entry.value.get(), {}, false, 0, {}, {}};
  if (!read_scalar(value)) return;
  follow_up(value);
  values_.push_back(std::move(value));
}

/// Result: false: it is wrong, and that was said.
bool HbFile::read_scalar(HbValue& value) {
  const HbKind kind = value.key->kind;
  const bool of_inputs = is_one_for_each_input(kind);
  const bool listed = kind == HbKind::kNames || of_inputs || kind == HbKind::kNumbers;
  if (is_map_kind(kind)) {
    value.text = value.node->text;
    return true;
  }
  if (value.node->kind == Kind::kList && listed) {
    const auto text = joined(*value.node, kind == HbKind::kNumbers ? " " : ";");
    if (text) value.text = *text;
    if (!text) findings_.wrong(fmt::format("'{}' must hold texts only", value.key->path()), value.where);
    if (!text) return false;
  } else if (value.node->kind == Kind::kScalar) {
    value.text = trimmed(value.node->text);
  } else {
    findings_.wrong(fmt::format("'{}' must be a text{}, not {}", value.key->path(),
                                listed ? " or a list" : "", described(*value.node)),
                    value.where);
    return false;
  }
  switch (kind) {
    case HbKind::kFlag:
      return read_flag(value);
    case HbKind::kWord:
      return is_allowed(value, value.text);
    case HbKind::kInteger:
    case HbKind::kNumber:
      return in_range(value, value.text, kind == HbKind::kInteger, value.number);
    case HbKind::kNumbers:
      return read_numbers(value);
    default:
      return !listed || read_parts(value);
  }
}

bool HbFile::read_flag(HbValue& value) {
  const auto flag = hb_flag(value.text);
  if (!flag) {
    findings_.wrong(fmt::format("'{}' must be True or False, not {}", value.key->path(), quote(value.text)),
                    value.where);
    return false;
  }
  value.flag = *flag;
  return true;
}

bool HbFile::read_parts(HbValue& value) {
  const HbKind kind = value.key->kind;
  value.parts = split(value.text, kind == HbKind::kNames ? ";," : ";");
  if (kind == HbKind::kNames) {
    std::erase_if(value.parts, [](const std::string& part) { return part.empty(); });
  }
  bool right = true;
  for (const std::string& part : value.parts) {
    double number = 0;
    if (part.empty()) continue;
    if (!value.key->words.empty()) right = is_allowed(value, part) && right;
    if (kind == HbKind::kIntegers) right = in_range(value, part, true, number) && right;
  }
  return right;
}

bool HbFile::read_numbers(HbValue& value) {
  bool right = true;
  value.parts = split(value.text, ";");
  for (const std::string& part : value.parts) {
    if (part.empty() || lower(part) == "none") {
      value.numbers.emplace_back();
      continue;
    }
    std::vector<double> numbers;
    for (const std::string& word : split(part, " ,\t")) {
      const auto number = number_in(word);
      if (number) numbers.push_back(*number);
      if (number || word.empty()) continue;
      right = false;
      findings_.wrong(
          fmt::format("'{}' must be numbers, separated by blanks, one for each channel or one for "
                      "all, not {}",
                      value.key->path(), quote(word)),
          value.where);
    }
    value.numbers.emplace_back(std::move(numbers));
  }
  return right;
}

bool HbFile::is_allowed(const HbValue& value, const std::string& word) {
  const HbKey& key = *value.key;
  if (key.words.empty() || std::find(key.words.begin(), key.words.end(), word) != key.words.end()) {
    if (const auto old = key.deprecated_words.find(word); old != key.deprecated_words.end()) {
      findings_.remarks.warning(codes::kDeprecatedKey,
                                fmt::format("{} of '{}' is deprecated in {}: {}", quote(word), key.path(),
                                            to_text(tool_), old->second),
                                value.where);
    }
    return true;
  }
  findings_.wrong(
      fmt::format("'{}' must be {}one of {}, not {}{}", key.path(), key.kind == HbKind::kNames ? "of: " : "",
                  join(key.words, ", "), quote(word), did_you_mean(word, key.words)),
      value.where);
  return false;
}

bool HbFile::in_range(const HbValue& value, std::string_view text, bool whole, double& number) {
  const HbKey& key = *value.key;
  const auto found = number_in(text);
  const bool fits =
      found && (!whole || *found == std::floor(*found)) &&
      ((*found >= key.min.value_or(*found) && *found <= key.max.value_or(*found)) || *found == key.otherwise);
  if (fits) number = *found;
  if (fits) return true;
  const std::string range = key.min && key.max ? fmt::format(" from {} to {}", *key.min, *key.max) : "";
  findings_.wrong(
      fmt::format("'{}' must be a {}number{}{}, not {}", key.path(), whole ? "whole " : "",
                  key.otherwise ? fmt::format(" {} or one", *key.otherwise) : "", range, quote(text)),
      value.where);
  return false;
}

/// What follows from the key alone.
void HbFile::follow_up(const HbValue& value) {
  const HbKey& key = *value.key;
  if (key.use == HbUse::kRefused) {
    findings_.wrong(fmt::format("'{}' cannot be carried out: {}", key.path(), key.why), value.where);
  }
  const auto harmless = [&](const std::string& text) {
    return !key.harmless.empty() && (key.kind == HbKind::kFlag ? !value.flag : text == key.harmless);
  };
  const bool all_harmless = value.parts.empty()
                                ? harmless(value.text)
                                : std::all_of(value.parts.begin(), value.parts.end(), harmless);
  if (key.use == HbUse::kNotYet && !all_harmless) {
    findings_.later(fmt::format("'{}' ({})", key.path(), key.why), value.where);
  }
}

void HbFile::miss_required() {
  for (const HbKey& key : keys_.of(tool_)) {
    if (!key.required || gives(key.group, key.name)) continue;
    Where where = root_.where;
    for (const YamlNode::Entry& group : root_.entries) {
      if (group.key == key.group) where = group.where;
    }
    findings_.mistakes.error(
        codes::kMissingKey,
        fmt::format("'{}' is missing; {} needs it{}", key.path(), to_text(tool_),
                    key.words.empty() ? "" : fmt::format(": one of {}", join(key.words, ", "))),
        where);
  }
}

const HbValue* HbFile::find(std::string_view group, std::string_view name) const {
  const auto at = std::find_if(values_.begin(), values_.end(), [&](const HbValue& value) {
    return value.key->group == group && value.key->name == name;
  });
  return at == values_.end() ? nullptr : &*at;
}

bool HbFile::gives(std::string_view group, std::string_view name) const {
  for (const YamlNode::Entry& entry : root_.entries) {
    if (entry.key != group || entry.value->kind != Kind::kMap) continue;
    for (const YamlNode::Entry& key : entry.value->entries) {
      if (key.key == name) return !is_empty(*key.value);
    }
  }
  return false;
}

}  // namespace qprep
