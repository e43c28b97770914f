#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <sstream>
#include <utility>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "config/quote.h"
#include "config/yaml_reader.h"
#include "support/codes.h"
#include "support/mapped_file.h"

namespace qprep {
namespace {

using NodePtr = std::shared_ptr<const YamlNode>;

constexpr std::size_t kMostMistakes = 50;
constexpr std::size_t kLongestKey = 1000;  // YAML has keys of a line up to 1024

/// Ends the reading with everything said so far.
[[noreturn]] void refuse(Diagnostics& diagnostics, std::string_view code, std::string message, Where where) {
  diagnostics.error(code, std::move(message), std::move(where));
  throw Fatal(diagnostics.all());
}

[[noreturn]] void refuse_size(const std::string& file, Diagnostics& diagnostics, const YamlLimits& limits) {
  refuse(diagnostics, codes::kYamlSyntax,
         fmt::format("the file is larger than {} bytes, which no configuration is", limits.bytes),
         {file, 0, 0});
}

/// Builds the tree from yaml-cpp's events, within the limits.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, Diagnostics& diagnostics, const YamlLimits& limits)
      : file_(file), diagnostics_(diagnostics), limits_(limits) {}

  NodePtr root() const { return root_; }
  /// Where the innermost list or map that is still open began; nothing outside of all.
  std::optional<Where> innermost_open() const {
    if (open_.empty()) return std::nullopt;
    return open_.back().node->where;
  }
  /// Where the last value in quotes begins.
  const std::optional<YAML::Mark>& last_quoted() const { return last_quoted_; }
  Where at(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_) {
      refuse(diagnostics_, codes::kYamlSyntax, "a second document starts here; only one is allowed in a file",
             at(mark));
    }
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    finish(start(YamlNode::Kind::kNull, mark), anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto node = start(YamlNode::Kind::kScalar, mark);
    node->text = value;
    node->quoted = !check_tag(tag, node->where);
    // A block ('|', '>') ends where the file does.
    if (node->quoted && tag == "!") last_quoted_ = mark;
    finish(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    enter(YamlNode::Kind::kList, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    enter(YamlNode::Kind::kMap, mark, tag, anchor);
  }
  void OnSequenceEnd() override { leave(); }
  void OnMapEnd() override { leave(); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      refuse(diagnostics_, codes::kYamlSyntax, "this alias stands inside the value that it names", at(mark));
    }
    count(found->second->size, at(mark));
    attach(found->second);
  }

 private:
  struct Open {
    std::shared_ptr<YamlNode> node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    bool drop = false;     // the value belongs to a key that was refused
    bool repeats = false;  // since it stood there before
    std::string key;
    Where key_where;
    std::map<std::string, Where> seen = {};
  };

  void mistake(std::string_view code, std::string message, const Where& where) {
    diagnostics_.error(code, std::move(message), where);
    if (++mistakes_ < kMostMistakes) return;
    refuse(diagnostics_, codes::kYamlSyntax, "too many mistakes; the rest is not looked at", where);
  }

  /// Result: whether the value is plain, that is, may be a number, a truth value or null.
  bool check_tag(const std::string& tag, const Where& where) {
    if (tag.empty() || tag == "?") return true;
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return false;
    mistake(codes::kYamlSyntax, fmt::format("the tag {} is not understood here; leave it out", quote(tag)),
            where);
    return true;
  }

  void count(std::size_t values, const Where& where) {
    count_ = values > limits_.values ? limits_.values + 1 : count_ + values;
    if (count_ > limits_.values) {
      refuse(
          diagnostics_, codes::kYamlSyntax,
          fmt::format("more than {} values, counting every alias as all that it stands for", limits_.values),
          where);
    }
  }

  std::shared_ptr<YamlNode> start(YamlNode::Kind kind, const YAML::Mark& mark) {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->where = at(mark);
    count(1, node->where);
    return node;
  }

  void enter(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    auto node = start(kind, mark);
    check_tag(tag, node->where);
    if (open_.size() >= limits_.depth) {
      refuse(diagnostics_, codes::kYamlSyntax,
             fmt::format("lists and maps are nested more than {} deep", limits_.depth), node->where);
    }
    open_.push_back({std::move(node), anchor, false, false, false, {}, {}});
  }

  void leave() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    finish(std::move(closed.node), closed.anchor);
  }

  void finish(std::shared_ptr<YamlNode> node, YAML::anchor_t anchor) {
    // A missing value has no place of its own: yaml-cpp names the next token's.
    if (node->kind == YamlNode::Kind::kNull && !open_.empty() && open_.back().has_key) {
      node->where = open_.back().key_where;
    }
    if (anchor != 0) anchors_[anchor] = node;
    attach(std::move(node));
  }

  void attach(NodePtr node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    parent.node->size += node->size;
    if (parent.node->kind == YamlNode::Kind::kList) {
      parent.node->items.push_back(std::move(node));
    } else if (!parent.has_key) {
      take_key(parent, *node);
    } else {
      if (!parent.drop || parent.repeats) {
        auto& entries = parent.drop ? parent.node->repeated : parent.node->entries;
        entries.push_back({parent.key, parent.key_where, std::move(node)});
      }
      parent.has_key = false;
    }
  }

  void take_key(Open& parent, const YamlNode& key) {
    parent.has_key = true;
    parent.drop = parent.repeats = false;
    parent.key = key.text;
    parent.key_where = key.where;
    if (key.kind != YamlNode::Kind::kScalar) {
      mistake(codes::kYamlSyntax, "a key must be a word", key.where);
      parent.drop = true;
      return;
    }
    if (key.text == "<<" && !key.quoted) {
      mistake(codes::kYamlSyntax,
              "'<<' (a merge key) is not understood; write the keys, or an alias as the whole value",
              key.where);
      parent.drop = true;
      return;
    }
    if (key.text.size() > kLongestKey) {
      mistake(codes::kYamlSyntax,
              fmt::format("a key of more than {} bytes: {}", kLongestKey, quote(key.text)), key.where);
      parent.drop = true;
      return;
    }
    const auto [first, is_new] = parent.seen.emplace(key.text, key.where);
    if (is_new) return;
    parent.drop = parent.repeats = true;
    mistake(
        codes::kDuplicateKey,
        fmt::format("duplicate key {}; it already stands in line {}", quote(key.text), first->second.line),
        key.where);
  }

  const std::string& file_;
  Diagnostics& diagnostics_;
  const YamlLimits& limits_;
  NodePtr root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, NodePtr> anchors_;
  std::size_t count_ = 0;
  std::size_t mistakes_ = 0;
  std::optional<YAML::Mark> last_quoted_;
};

/// Bytes of the UTF-8 character at text[i]; 0 if there is none.
std::size_t utf8_length(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0U; };
  const auto follows = [&](std::size_t n) {
    for (std::size_t k = 1; k <= n; ++k) {
      if ((byte(i + k) & 0xC0U) != 0x80U) return false;
    }
    return true;
  };
  const unsigned lead = byte(i);
  const unsigned second = byte(i + 1);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF && follows(1)) return 2;
  const bool overlong3 = lead == 0xE0 && second < 0xA0;
  const bool surrogate = lead == 0xED && second > 0x9F;
  if (lead >= 0xE0 && lead <= 0xEF && !overlong3 && !surrogate && follows(2)) return 3;
  const bool overlong4 = lead == 0xF0 && second < 0x90;
  const bool too_large = lead == 0xF4 && second > 0x8F;
  if (lead >= 0xF0 && lead <= 0xF4 && !overlong4 && !too_large && follows(3)) return 4;
  return 0;
}

/// Refuses what yaml-cpp would take silently or call by a strange name: bytes that are no text, tabs in the
/// indentation.
void check_characters(std::string_view text, const std::string& file, Diagnostics& diagnostics) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    refuse(diagnostics, codes::kYamlSyntax, "the file is UTF-16; save it as UTF-8", {file, 1, 1});
  }
  const std::size_t errors_before = diagnostics.count(Severity::kError);
  int line = 1;
  std::size_t line_start = 0;
  bool indentation = true;
  for (std::size_t i = 0; i < text.size();) {
    const Where here{file, line, static_cast<int>(i - line_start) + 1};
    const std::size_t length = utf8_length(text, i);
    const char c = text[i];
    if (length == 0) {
      refuse(diagnostics, codes::kYamlSyntax, "a byte that is not UTF-8 text; save the file as UTF-8", here);
    }
    const bool control = static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
    if (control || c == 0x7F) {
      refuse(diagnostics, codes::kYamlSyntax,
             fmt::format("a control character (0x{:02x}) that YAML does not allow", static_cast<unsigned>(c)),
             here);
    }
    if (c == '\t' && indentation) {
      diagnostics.error(codes::kYamlSyntax, "a tab in the indentation; YAML allows only spaces there", here);
      if (diagnostics.count(Severity::kError) - errors_before >= kMostMistakes) break;
      indentation = false;
    }
    if (c != ' ') indentation = false;
    i += length;
    if (c == '\n') {
      ++line;
      line_start = i;
      indentation = true;
    }
  }
  if (diagnostics.count(Severity::kError) > errors_before) throw Fatal(diagnostics.all());
}

/// Where the file's text has what yaml-cpp calls line and column; its end if it lies behind.
std::string_view text_at(std::string_view text, const YAML::Mark& mark) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (int line = 0; line < mark.line; ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(std::min(static_cast<std::size_t>(mark.column), text.size()));
}

/// yaml-cpp takes a text in quotes that the end of the file cuts off. Result: whether `text`, which begins
/// with a value and perhaps its anchor, is one.
bool is_cut_off(std::string_view text) {
  if (text.starts_with('&')) {
    text.remove_prefix(std::min(text.find(' '), text.size()));
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  if (!text.starts_with('"') && !text.starts_with('\'')) return false;
  const char mark = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\' && mark == '"') {
      ++i;
    } else if (text[i] == mark) {
      const bool doubled = mark == '\'' && i + 1 < text.size() && text[i + 1] == mark;
      if (!doubled) return false;
      ++i;
    }
  }
  return true;
}

/// yaml-cpp's words for a mistake, said plainly; its own words where they are plain. `rest`: the text from
/// the mistake on.
std::string plain_words(const std::string& message, std::string_view rest) {
  if (message == YAML::ErrorMsg::UNKNOWN_TOKEN && !rest.empty()) {
    return fmt::format("{} cannot start a value; put the text in quotes", quote(rest.substr(0, 1)));
  }
  static const std::array<std::pair<std::string_view, std::string_view>, 8> kWords = {{
      {YAML::ErrorMsg::MAP_VALUE,
       "a ':' where no value can start; a key's ':' needs a blank behind it, a text with ': ' in it needs "
       "quotes"},
      {YAML::ErrorMsg::MAP_KEY, "a key where none can start; is the indentation right?"},
      {YAML::ErrorMsg::END_OF_MAP, "this does not belong to the map above; is the indentation right?"},
      {YAML::ErrorMsg::END_OF_SEQ, "this does not belong to the list above; is the indentation right?"},
      {YAML::ErrorMsg::EOF_IN_SCALAR, "the file ends inside a text in quotes"},
      {YAML::ErrorMsg::FLOW_END, "a closing bracket without an opening one"},
      {YAML::ErrorMsg::BLOCK_ENTRY, "a '-' where no list item can start; is the indentation right?"},
      {YAML::ErrorMsg::UNKNOWN_ANCHOR,
       "an alias ('*') of a name that no anchor ('&') above has; a text that begins with '*' needs quotes"},
  }};
  for (const auto& [theirs, ours] : kWords) {
    if (message == theirs) return std::string(ours);
  }
  return "not YAML: " + message;
}

}  // namespace

NodePtr parse_yaml(std::string_view text, const std::string& file, Diagnostics& diagnostics,
                   const YamlLimits& limits) {
  if (text.size() > limits.bytes) refuse_size(file, diagnostics, limits);
  check_characters(text, file, diagnostics);
  TreeBuilder builder(file, diagnostics, limits);
  const auto refuse_open_quotes = [&] {
    if (const auto& last = builder.last_quoted(); last && is_cut_off(text_at(text, *last))) {
      refuse(diagnostics, codes::kYamlSyntax, "the text in quotes that begins here is never closed",
             builder.at(*last));
    }
  };
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    refuse_open_quotes();
    const bool unclosed =
        error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW || error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW;
    if (unclosed && builder.innermost_open()) {
      refuse(diagnostics, codes::kYamlSyntax, "the bracket that opens here is never closed",
             *builder.innermost_open());
    }
    refuse(diagnostics, codes::kYamlSyntax, plain_words(error.msg, text_at(text, error.mark)),
           builder.at(error.mark));
  }
  refuse_open_quotes();
  if (!builder.root() || builder.root()->kind == YamlNode::Kind::kNull) {
    refuse(diagnostics, codes::kYamlSyntax, "the file is empty", {file, 0, 0});
  }
  return builder.root();
}

NodePtr read_yaml(const std::string& file, Diagnostics& diagnostics, const YamlLimits& limits) {
  const std::shared_ptr<const MappedFile> mapped = MappedFile::open(file);
  const std::span<const std::byte> bytes = mapped->bytes();
  if (bytes.size() > limits.bytes) refuse_size(file, diagnostics, limits);
  std::string text(bytes.size(), '\0');
  if (!text.empty()) std::memcpy(text.data(), bytes.data(), bytes.size());
  return parse_yaml(text, file, diagnostics, limits);
}

}  // namespace qprep
