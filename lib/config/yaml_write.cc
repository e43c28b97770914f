#include "config/yaml_write.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace qprep {
namespace {

using NodePtr = std::shared_ptr<const YamlNode>;

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

/// Letters, digits and what means nothing to YAML in between, of any place and any reader; numbers.
bool is_plain(std::string_view text) {
  const auto inner = [](char c) {
    return is_one_of(c, kLetters) || is_one_of(c, kDigits) || is_one_of(c, "_./-+ ");
  };
  if (text.empty() || text.back() == ' ' || !std::ranges::all_of(text, inner)) return false;
  if (is_one_of(text.front(), "-+")) return text.size() > 1 && is_one_of(text[1], kDigits);
  return text.front() != ' ' && !text.starts_with("...");
}

/// Words that a reader takes for null or a truth value.
bool is_special(std::string_view text) {
  for (const std::string_view word :
       {"null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE"}) {
    if (text == word) return true;
  }
  return false;
}

std::string double_quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      result += c;
    }
  }
  return result + '"';
}

bool is_leaf(const YamlNode& node) {
  const bool list = node.kind == YamlNode::Kind::kList && !node.items.empty();
  const bool map = node.kind == YamlNode::Kind::kMap && !node.entries.empty();
  return !list && !map;
}

std::string leaf_text(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "~";
    case YamlNode::Kind::kList:
      return "[]";
    case YamlNode::Kind::kMap:
      return "{}";
    case YamlNode::Kind::kScalar:
      break;
  }
  return yaml_scalar(node.text, node.quoted);
}

class Writer {
 public:
  explicit Writer(const YamlComment& comment) : comment_(comment) {}

  /// `lead`: what the first line begins with ("  - "); the others are indented as far.
  void write(const YamlNode& node, const std::string& lead) {
    const std::string indent(lead.size(), ' ');
    std::string begin = lead;
    if (node.kind == YamlNode::Kind::kMap) {
      for (const YamlNode::Entry& entry : node.entries) {
        path_.emplace_back(entry.key);
        write_entry(begin + yaml_scalar(entry.key, is_special(entry.key)) + ":", *entry.value, indent + "  ");
        path_.pop_back();
        begin = indent;
      }
      return;
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const YamlNode& item = *node.items[i];
      path_.emplace_back(i);
      if (is_leaf(item)) {
        add(begin + "- " + leaf_text(item), item);
      } else {
        write(item, begin + "- ");
      }
      path_.pop_back();
      begin = indent;
    }
  }

  std::string text() const {
    constexpr std::size_t kWidest = 56;
    std::size_t width = 0;
    for (const auto& [line, comment] : lines_) {
      if (line.size() <= kWidest) width = std::max(width, line.size());
    }
    std::string text;
    for (const auto& [line, comment] : lines_) {
      text += comment.empty() ? line : fmt::format("{:<{}}  # {}", line, width, comment);
      text += '\n';
    }
    return text;
  }

 private:
  void write_entry(const std::string& key, const YamlNode& value, const std::string& indent) {
    if (is_leaf(value)) return add(key + " " + leaf_text(value), value);
    lines_.emplace_back(key, "");
    write(value, indent);
  }

  void add(std::string line, const YamlNode& value) {
    lines_.emplace_back(std::move(line), comment_ ? comment_(path_, value) : "");
  }

  const YamlComment& comment_;
  YamlPath path_;
  std::vector<std::pair<std::string, std::string>> lines_;
};

NodePtr replaced(const NodePtr& node, YamlPath& path, const YamlReplace& replace) {
  if (is_leaf(*node)) {
    NodePtr other = replace(path, *node);
    return other ? other : node;
  }
  auto copy = std::make_shared<YamlNode>(*node);
  for (YamlNode::Entry& entry : copy->entries) {
    path.emplace_back(entry.key);
    entry.value = replaced(entry.value, path, replace);
    path.pop_back();
  }
  for (std::size_t i = 0; i < copy->items.size(); ++i) {
    path.emplace_back(i);
    copy->items[i] = replaced(copy->items[i], path, replace);
    path.pop_back();
  }
  return copy;
}

}  // namespace

std::string yaml_scalar(std::string_view text, bool quoted) {
  return !quoted && is_plain(text) ? std::string(text) : double_quoted(text);
}

std::string to_yaml(const YamlNode& root, const YamlComment& comment) {
  Writer writer(comment);
  writer.write(root, "");
  return writer.text();
}

NodePtr with_additions(const YamlNode& document, const YamlNode& additions) {
  auto result = std::make_shared<YamlNode>(document);
  if (document.kind != YamlNode::Kind::kMap || additions.kind != YamlNode::Kind::kMap) return result;
  for (const YamlNode::Entry& added : additions.entries) {
    const auto at = std::ranges::find(result->entries, added.key, &YamlNode::Entry::key);
    if (at == result->entries.end()) {
      result->entries.push_back(added);
    } else {
      at->value = with_additions(*at->value, *added.value);
    }
  }
  return result;
}

NodePtr with_replaced(const YamlNode& document, const YamlReplace& replace) {
  YamlPath path;
  return replaced(std::make_shared<YamlNode>(document), path, replace);
}

}  // namespace qprep
