#include "driver/target_words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <set>
#include <tuple>

#include "config/march.h"
#include "config/op_classes.h"
#include "config/quote.h"
#include "onnx_io/operator_attributes.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::string_view kDomain = "::";
constexpr std::string_view kAttribute = "attribute.";
constexpr std::array kSections = {"heads", "tails", "units"};

const YamlNode* in(const YamlNode* map, std::string_view key) {
  if (!map || map->kind != YamlNode::Kind::kMap) return nullptr;
  const auto at = std::ranges::find(map->entries, key, &YamlNode::Entry::key);
  return at == map->entries.end() ? nullptr : at->value.get();
}

/// A text, or the texts of a list.
std::vector<const YamlNode*> texts_of(const YamlNode* node) {
  std::vector<const YamlNode*> texts;
  if (!node) return texts;
  if (node->kind == YamlNode::Kind::kScalar) texts.push_back(node);
  for (const auto& item : node->items) {
    if (item->kind == YamlNode::Kind::kScalar) texts.push_back(item.get());
  }
  return texts;
}

/// "Sin, Cos" of a key: both, each with its place.
std::vector<Placed<std::string>> operators_of(const YamlNode::Entry& entry) {
  std::vector<Placed<std::string>> ops;
  for (std::size_t begin = 0; begin < entry.key.size();) {
    const std::size_t end = std::min(entry.key.find(',', begin), entry.key.size());
    ops.push_back({entry.key.substr(begin, end - begin), entry.where});
    begin = std::min(entry.key.find_first_not_of(' ', end + 1), entry.key.size());
  }
  return ops;
}

std::string domain_of(const std::string& op) {
  const std::size_t end = op.find(kDomain);
  return end == std::string::npos ? "" : op.substr(0, end);
}

class Words {
 public:
  Words(const std::filesystem::path& configs, const std::string& file) : configs_(configs), file_(file) {
    for (const auto& [op, row] : read_op_classes((configs / "op_classes.yaml").string()).rows)
      known_.insert(op);
  }

  std::vector<Diagnostic> check() {
    Diagnostics said_elsewhere;
    const auto root = read_yaml(file_, said_elsewhere);
    take_base(*root);
    check_rows(in(root.get(), "operators"));
    check_named(*root);
    for (const YamlNode* limit : texts_of(in(root.get(), "every"))) check_attributes(*limit, "");
    if (const YamlNode* groups = in(root.get(), "groups")) {
      for (const YamlNode::Entry& group : groups->entries) {
        for (const YamlNode* limit : texts_of(group.value.get())) check_attributes(*limit, "");
      }
    }
    check_sequences(in(root.get(), "fuse"));
    std::ranges::stable_sort(
        found_, {}, [](const Diagnostic& each) { return std::tuple(each.where.line, each.where.column); });
    return std::move(found_);
  }

 private:
  void say(std::string message, const Where& where) {
    found_.push_back({Severity::kWarning, codes::kNoMatch, std::move(message), where});
  }

  void take_base(const YamlNode& root) {
    const YamlNode* base = in(&root, "base");
    if (!base) return;
    const std::string name =
        is_march_file(base->text)
            ? (std::filesystem::path(file_).parent_path() / base->text).lexically_normal().string()
            : base->text;
    try {
      const March march = read_march(configs_, name);
      for (const auto& [op, row] : march.capabilities.rows) known_.insert(op);
      take_names(march.sequences);
    } catch (const Fatal&) {  // said where the file is read
    }
  }

  void take_names(const FusionParts& parts) {
    std::size_t section = 0;
    for (const auto* patterns : {&parts.heads, &parts.tails, &parts.units}) {
      for (const FusionPattern& each : *patterns) taken_.at(section).insert(each.name);
      ++section;
    }
  }

  void check_rows(const YamlNode* operators) {
    if (!operators) return;
    std::vector<std::string> own;
    for (const YamlNode::Entry& entry : operators->entries) {
      for (const auto& [op, where] : operators_of(entry)) {
        if (!known_.contains(op)) check_new(op, where);
        own.push_back(op);
        for (const char* key : {"limits", "also"}) {
          for (const YamlNode* limit : texts_of(in(entry.value.get(), key))) check_attributes(*limit, op);
        }
      }
    }
    known_.insert(own.begin(), own.end());
  }

  /// A row of an operator that nobody else knows.
  void check_new(const std::string& op, const Where& where) {
    const std::string domain = domain_of(op);
    std::vector<std::string> domains, names;
    for (const std::string& each : known_) {
      domains.push_back(domain_of(each));
      if (domains.back() == domain)
        names.push_back(each.substr(domain.empty() ? 0 : domain.size() + kDomain.size()));
    }
    const std::string prefix = domain.empty() ? "" : domain + std::string(kDomain);
    if (names.empty()) {
      if (const auto near = nearest(domain, domains); near && !near->empty())
        say_unknown(op, fmt::format(" (did you mean the domain '{}'?)", *near), where);
      return;
    }
    if (const auto near = nearest(op.substr(prefix.size()), names))
      say_unknown(op, fmt::format(" (did you mean '{}{}'?)", prefix, *near), where);
  }

  void say_unknown(const std::string& op, const std::string& near, const Where& where) {
    say(fmt::format("nothing is known of an operator {}{}", quote(op), near), where);
  }

  /// Lists of operators, which have rows or are known.
  void check_named(const YamlNode& root) {
    const std::vector<std::string> known(known_.begin(), known_.end());
    const auto check = [&](const std::string& key, const std::string& op, const Where& where) {
      if (!known_.contains(op))
        say_unknown(op, fmt::format(" in '{}'{}", key, did_you_mean(op, known)), where);
    };
    for (const YamlNode* op : texts_of(in(&root, "same_scale"))) check("same_scale", op->text, op->where);
    const YamlNode* quantise = in(&root, "quantise");
    for (const YamlNode* op : texts_of(in(quantise, "own_scale"))) {
      check("quantise.own_scale", op->text, op->where);
    }
    if (const YamlNode* operators = in(quantise, "operators")) {
      for (const YamlNode::Entry& each : operators->entries)
        check("quantise.operators", each.key, each.where);
    }
  }

  /// `op`: whose limit it is; empty: of several.
  void check_attributes(const YamlNode& limit, const std::string& op) {
    for (std::size_t at = limit.text.find(kAttribute); at != std::string::npos;
         at = limit.text.find(kAttribute, at + 1)) {
      const std::size_t begin = at + kAttribute.size();
      std::size_t end = begin;
      while (end < limit.text.size() &&
             (std::isalnum(static_cast<unsigned char>(limit.text[end])) != 0 || limit.text[end] == '_')) {
        ++end;
      }
      const std::string name = limit.text.substr(begin, end - begin);
      const std::vector<std::string> has =
          op.empty() ? attributes_of_all_operators() : attributes_of_operator(op);
      // Of operators outside ONNX nothing is known; ONNX's own without attributes have nothing to name.
      const bool is_known = !has.empty() || (domain_of(op).empty() && known_.contains(op));
      if (!is_known || std::ranges::binary_search(has, name)) continue;
      Where where = limit.where;
      if (limit.text.find('\n') == std::string::npos)
        where.column += static_cast<int>(begin) + (limit.quoted ? 1 : 0);
      say(fmt::format("{} has no attribute {}{}", op.empty() ? "no operator" : op, quote(name),
                      did_you_mean(name, has)),
          where);
    }
  }

  void check_sequences(const YamlNode* fuse) {
    take_names(read_fusion_rules((configs_ / "fusion.yaml").string()).parts);
    for (std::size_t i = 0; i < kSections.size(); ++i) {
      const YamlNode* patterns = in(fuse, kSections.at(i));
      if (!patterns) continue;
      for (const auto& pattern : patterns->items) {
        const YamlNode* name = in(pattern.get(), "name");
        if (!name || name->kind != YamlNode::Kind::kScalar || taken_.at(i).insert(name->text).second)
          continue;
        say(fmt::format("'fuse.{}': there is one with the name {} already, and reports would not tell them "
                        "apart",
                        kSections.at(i), quote(name->text)),
            name->where);
      }
    }
  }

  const std::filesystem::path& configs_;
  const std::string& file_;
  std::set<std::string> known_;  // operators
  std::array<std::set<std::string>, kSections.size()> taken_;
  std::vector<Diagnostic> found_;
};

}  // namespace

std::vector<Diagnostic> doubtful_words(const std::filesystem::path& configs, const std::string& file) {
  try {
    return Words(configs, file).check();
  } catch (const Fatal&) {
    return {};
  }
}

}  // namespace qprep
