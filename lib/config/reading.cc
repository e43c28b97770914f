#include "config/reading.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <unordered_map>
#include <utility>

#include "config/quote.h"
#include "config/selector.h"
#include "config/torch_names.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {

void Reading::wrong(std::string message, const Where& where) const {
  diagnostics.error(codes::kBadValue, std::move(message), where);
}

void Reading::later(const std::string& what, const Where& where) const {
  not_yet.error(codes::kNotYet, fmt::format("{} is understood, but prepare cannot carry it out yet", what),
                where);
}

void Reading::wrong_word(const std::string& name, const YamlNode& node,
                         const std::vector<std::string>& allowed, const std::string& more,
                         const std::vector<std::string>& near) const {
  const bool is_word = node.kind == YamlNode::Kind::kScalar;
  wrong(fmt::format("{} must be one of {}{}, not {}{}", name, join(allowed, ", "), more, describe(node),
                    is_word ? did_you_mean(node.text, near.empty() ? allowed : near) : ""),
        node.where);
}

std::string as_path(std::string what) {
  std::erase(what, '\'');
  return what;
}

std::optional<double> number_in(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kScalar || node.quoted) return std::nullopt;
  double number = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [stop, error] = std::from_chars(node.text.data(), end, number);
  return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

std::optional<std::string> torch_word(const YamlNode& node, const std::string& name,
                                      const std::vector<std::string>& allowed, const Reading& reading) {
  constexpr std::string_view kTorch = "torch.";
  if (node.kind == YamlNode::Kind::kScalar) {
    std::string_view word = node.text;
    if (word.starts_with(kTorch)) word.remove_prefix(kTorch.size());
    if (std::find(allowed.begin(), allowed.end(), word) != allowed.end()) return std::string(word);
  }
  reading.wrong_word(name, node, allowed);
  return std::nullopt;
}

bool is_none(const YamlNode& node) {
  return node.kind == YamlNode::Kind::kNull ||
         (node.kind == YamlNode::Kind::kScalar && !node.quoted && node.text == "None");
}

std::optional<Selector> name_selector(const std::string& text, const Where& where, const Reading& reading) {
  if (text.empty()) {
    reading.wrong("a name has at least one letter", where);
    return std::nullopt;
  }
  if (const auto error = selector_error(text)) {
    reading.wrong(*error, where);
    return std::nullopt;
  }
  Selector selector;
  selector.kind = Selector::Kind::kName;
  selector.text = text;
  return selector;
}

std::optional<Selector> type_selector(const std::string& text, const Where& where, const Reading& reading) {
  const auto type = torch_type(text);
  if (!type) {
    reading.wrong(why_no_torch_type(text), where);
    return std::nullopt;
  }
  Selector selector;
  selector.kind = Selector::Kind::kType;
  selector.text = join(type->operators, ",");
  return selector;
}

std::vector<NamedValue> named_values(const YamlNode& node, const std::string& name, const Reading& reading) {
  std::vector<NamedValue> values;
  if (node.kind == YamlNode::Kind::kMap) {
    for (const YamlNode::Entry& entry : node.entries) {
      values.push_back({entry.key, entry.where, entry.value.get()});
    }
    return values;
  }
  if (node.kind != YamlNode::Kind::kList) {
    reading.wrong(fmt::format("{} must be a map, or a list of pairs [name, value]", name), node.where);
    return values;
  }
  std::unordered_map<std::string_view, int> lines;
  for (const auto& item : node.items) {
    const bool pair = item->kind == YamlNode::Kind::kList && item->items.size() == 2 &&
                      item->items.front()->kind == YamlNode::Kind::kScalar;
    if (!pair) {
      reading.wrong(fmt::format("an item of {} must be a pair [name, value]", name), item->where);
      continue;
    }
    const YamlNode& key = *item->items.front();
    if (const auto [at, is_new] = lines.emplace(key.text, key.where.line); !is_new) {
      reading.diagnostics.error(codes::kDuplicateKey,
                                fmt::format("{} stands twice in {}; it already stands in line {}",
                                            quote(key.text), name, at->second),
                                key.where);
      continue;
    }
    values.push_back({key.text, key.where, item->items.back().get()});
  }
  return values;
}

}  // namespace qprep
