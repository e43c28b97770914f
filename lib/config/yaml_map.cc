#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

#include "config/quote.h"
#include "config/yaml_reader.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

/// Stands for a map that is absent.
const YamlNode& no_map() {
  static const YamlNode node = [] {
    YamlNode empty;
    empty.kind = YamlNode::Kind::kMap;
    return empty;
  }();
  return node;
}

}  // namespace

std::string describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
    case YamlNode::Kind::kScalar:
      break;
  }
  if (node.text.empty()) return "an empty text";
  return quote(node.text) + (node.quoted ? " in quotes" : "");
}

YamlMap::YamlMap(const YamlNode& node, std::string path, Diagnostics& diagnostics)
    : node_(&node), where_(node.where), path_(std::move(path)), diagnostics_(&diagnostics) {
  if (node.kind == YamlNode::Kind::kMap) return;
  const std::string name = path_.empty() ? "the file" : fmt::format("'{}'", path_);
  diagnostics.error(codes::kBadValue,
                    fmt::format("{} must be a map of keys and values, not {}", name, describe(node)),
                    node.where);
  node_ = &no_map();
}

std::string YamlMap::name_of(std::string_view key) const {
  return path_.empty() ? fmt::format("'{}'", key) : fmt::format("'{}.{}'", path_, key);
}

const YamlNode* YamlMap::find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  for (const YamlNode::Entry& entry : node_->entries) {
    if (entry.key == key) return entry.value.get();
  }
  return nullptr;
}

bool YamlMap::has(std::string_view key) { return find(key) != nullptr; }

const YamlNode* YamlMap::scalar(std::string_view key, std::string_view expected) {
  const YamlNode* node = find(key);
  if (node == nullptr) return nullptr;
  if (node->kind == YamlNode::Kind::kScalar && !node->text.empty()) return node;
  diagnostics_->error(codes::kBadValue,
                      fmt::format("{} must be {}, not {}", name_of(key), expected, describe(*node)),
                      node->where);
  return nullptr;
}

std::optional<Placed<std::string>> YamlMap::text(std::string_view key) {
  const YamlNode* node = scalar(key, "a text");
  if (node == nullptr) return std::nullopt;
  return Placed<std::string>{node->text, node->where};
}

std::optional<Placed<std::string>> YamlMap::word(std::string_view key,
                                                 const std::vector<std::string>& allowed) {
  const std::string expected =
      allowed.size() == 1 ? allowed.front() : fmt::format("one of {}", fmt::join(allowed, ", "));
  const YamlNode* node = scalar(key, expected);
  if (node == nullptr) return std::nullopt;
  if (std::find(allowed.begin(), allowed.end(), node->text) != allowed.end()) {
    return Placed<std::string>{node->text, node->where};
  }
  diagnostics_->error(codes::kBadValue,
                      fmt::format("{} must be {}, not {}{}", name_of(key), expected, quote(node->text),
                                  did_you_mean(node->text, allowed)),
                      node->where);
  return std::nullopt;
}

template <typename Number>
std::optional<Placed<Number>> YamlMap::parsed(std::string_view key, Number min, Number max,
                                              const std::string& expected) {
  const YamlNode* node = scalar(key, expected);
  if (node == nullptr) return std::nullopt;
  Number number = 0;
  const char* end = node->text.data() + node->text.size();
  const auto [stop, error] = std::from_chars(node->text.data(), end, number);
  if (error == std::errc() && stop == end && !node->quoted && number >= min && number <= max) {
    return Placed<Number>{number, node->where};
  }
  diagnostics_->error(codes::kBadValue,
                      fmt::format("{} must be {}, not {}", name_of(key), expected, describe(*node)),
                      node->where);
  return std::nullopt;
}

std::optional<Placed<std::int64_t>> YamlMap::integer(std::string_view key, std::int64_t min,
                                                     std::int64_t max) {
  return parsed(key, min, max,
                min == max ? fmt::format("{}", min) : fmt::format("a whole number from {} to {}", min, max));
}

std::optional<Placed<double>> YamlMap::number(std::string_view key, double min, double max) {
  return parsed(key, min, max, fmt::format("a number from {} to {}", min, max));
}

std::optional<Placed<bool>> YamlMap::boolean(std::string_view key) {
  const YamlNode* node = scalar(key, "true or false");
  if (node == nullptr) return std::nullopt;
  if (!node->quoted && node->text == "true") return Placed<bool>{true, node->where};
  if (!node->quoted && node->text == "false") return Placed<bool>{false, node->where};
  std::string meant;
  for (const auto& [word, value] :
       {std::pair("yes", "true"), {"on", "true"}, {"no", "false"}, {"off", "false"}}) {
    if (node->text == word) meant = fmt::format(" (did you mean '{}'?)", value);
  }
  if (meant.empty() && !node->quoted) meant = did_you_mean(node->text, {"true", "false"});
  diagnostics_->error(codes::kBadValue,
                      fmt::format("{} must be true or false, not {}{}", name_of(key), describe(*node), meant),
                      node->where);
  return std::nullopt;
}

std::vector<Placed<std::string>> YamlMap::texts(std::string_view key) {
  std::vector<Placed<std::string>> found;
  const YamlNode* node = find(key);
  if (node == nullptr) return found;
  if (node->kind != YamlNode::Kind::kList) {
    diagnostics_->error(codes::kBadValue,
                        fmt::format("{} must be a list of texts, not {}", name_of(key), describe(*node)),
                        node->where);
    return found;
  }
  for (const auto& item : node->items) {
    if (item->kind == YamlNode::Kind::kScalar && !item->text.empty()) {
      found.push_back({item->text, item->where});
    } else {
      diagnostics_->error(codes::kBadValue,
                          fmt::format("{} must hold texts only, not {}", name_of(key), describe(*item)),
                          item->where);
    }
  }
  return found;
}

YamlMap YamlMap::map(std::string_view key) {
  const YamlNode* node = find(key);
  const std::string path = path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  return {node ? *node : no_map(), path, *diagnostics_};
}

std::vector<YamlMap> YamlMap::maps(std::string_view key) {
  std::vector<YamlMap> found;
  const YamlNode* node = find(key);
  if (node == nullptr) return found;
  if (node->kind != YamlNode::Kind::kList) {
    diagnostics_->error(codes::kBadValue,
                        fmt::format("{} must be a list of maps, not {}", name_of(key), describe(*node)),
                        node->where);
    return found;
  }
  const std::string path = path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    found.emplace_back(*node->items[i], fmt::format("{}[{}]", path, i), *diagnostics_);
  }
  return found;
}

std::vector<Placed<std::string>> YamlMap::keys() const {
  std::vector<Placed<std::string>> found;
  for (const YamlNode::Entry& entry : node_->entries) found.push_back({entry.key, entry.where});
  return found;
}

void YamlMap::finish() {
  std::vector<std::string> sorted = known_;
  std::sort(sorted.begin(), sorted.end());
  std::replace(sorted.begin(), sorted.end(), std::string(), std::string("\"\""));
  constexpr std::size_t kMostMessages = 20;
  std::size_t unknown = 0;
  Where first_left_out;
  for (const YamlNode::Entry& entry : node_->entries) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    if (++unknown > kMostMessages) {
      if (unknown == kMostMessages + 1) first_left_out = entry.where;
      continue;
    }
    const std::string inside = path_.empty() ? "" : fmt::format(" in '{}'", path_);
    diagnostics_->error(codes::kUnknownKey,
                        fmt::format("unknown key {}{}{}; known: {}", quote(entry.key), inside,
                                    did_you_mean(entry.key, sorted), fmt::join(sorted, ", ")),
                        entry.where);
  }
  if (unknown > kMostMessages) {
    diagnostics_->error(codes::kUnknownKey, fmt::format("and {} more unknown keys", unknown - kMostMessages),
                        first_left_out);
  }
}

}  // namespace qprep
