#include "config/capabilities.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>
#include <utility>

#include "config/quote.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

using Limits = std::vector<Limit>;

constexpr std::size_t kMostLimits = 500;   // in a row
constexpr std::size_t kLongestChain = 50;  // of rows that are like others

/// "Acos, Cos": both.
std::vector<std::string> operators_of(std::string_view key) {
  std::vector<std::string> ops;
  for (;;) {
    const std::size_t comma = key.find(',');
    ops.emplace_back(key.substr(0, comma));
    if (comma == std::string_view::npos) return ops;
    key.remove_prefix(comma + 1);
    key.remove_prefix(std::min(key.find_first_not_of(' '), key.size()));
  }
}

class Reader {
 public:
  Reader(const Capabilities& base, std::string source, Diagnostics& diagnostics)
      : result_(base), source_(std::move(source)), diagnostics_(diagnostics) {}

  Capabilities read(YamlMap& march) {
    const Limits every = limits(march.find("every"), march.name_of("every"));
    YamlMap groups = march.map("groups");
    for (const Placed<std::string>& name : groups.keys()) {
      result_.groups[name.value] = limits(groups.find(name.value), groups.name_of(name.value));
    }
    YamlMap operators = march.map("operators");
    for (const Placed<std::string>& key : operators.keys()) {
      for (const std::string& op : operators_of(key.value)) state(op, {operators.find(key.value), key.where});
    }
    for (const auto& [op, stated] : stated_) row(op);
    for (auto& [op, row] : result_.rows) {
      if (may_run_on_bpu(row.runs)) append(row.limits, every);
    }
    return std::move(result_);
  }

 private:
  struct Stated {
    const YamlNode* node = nullptr;
    Where where;  // of its key
  };

  void wrong(std::string message, const Where& where) {
    diagnostics_.error(codes::kBadValue, std::move(message), where);
  }

  void append(Limits& limits, const Limits& more) {
    for (const Limit& each : more) {
      if (limits.size() == kMostLimits) {
        if (std::exchange(too_many_, true)) return;
        return wrong(fmt::format("a row has more than {} limits", kMostLimits), each.where);
      }
      const bool there = std::ranges::any_of(
          limits, [&](const Limit& limit) { return limit.constraint.text() == each.constraint.text(); });
      if (!there) limits.push_back(each);
    }
  }

  void read_constraint(const YamlNode& node, const std::string& name, Limits& limits) {
    if (node.kind != YamlNode::Kind::kScalar || node.text.empty()) {
      wrong(fmt::format("{} must hold constraints as text, not {}", name, describe(node)), node.where);
      return;
    }
    try {
      limits.push_back({Constraint::parse(node.text), node.where});
    } catch (const ConstraintMistake& mistake) {
      Where where = node.where;
      if (where.column > 0 && node.text.find('\n') == std::string::npos) {
        where.column += static_cast<int>(mistake.at()) + (node.quoted ? 1 : 0);
      }
      wrong(fmt::format("{}: {} in {}", name, mistake.what(), quote(node.text)), where);
    }
  }

  Limits limits(const YamlNode* node, const std::string& name) {
    Limits found;
    if (!node) return found;
    if (node->kind == YamlNode::Kind::kScalar) {
      read_constraint(*node, name, found);
    } else if (node->kind == YamlNode::Kind::kList) {
      for (const auto& item : node->items) read_constraint(*item, name, found);
    } else {
      wrong(fmt::format("{} must be a constraint or a list of them, not {}", name, describe(*node)),
            node->where);
    }
    return found;
  }

  /// One text, or a list of them.
  std::vector<Placed<std::string>> texts(YamlMap& map, std::string_view key) {
    const YamlNode* node = map.find(key);
    if (node && node->kind == YamlNode::Kind::kScalar) {
      const auto text = map.text(key);
      return text ? std::vector{*text} : std::vector<Placed<std::string>>();
    }
    return map.texts(key);
  }

  /// nullopt: the key is absent.
  std::optional<std::vector<DType>> precisions(YamlMap& map, std::string_view key) {
    static const std::vector<std::pair<std::string, DType>> kWords = {
        {"int8", DType::kInt8}, {"int16", DType::kInt16}, {"int32", DType::kInt32}};
    if (!map.has(key)) return std::nullopt;
    std::vector<std::string> words;
    for (const auto& [word, dtype] : kWords) words.push_back(word);
    std::vector<DType> found;
    for (const Placed<std::string>& text : texts(map, key)) {
      const auto at = std::ranges::find(kWords, text.value, &std::pair<std::string, DType>::first);
      if (at == kWords.end()) {
        wrong(fmt::format("{} must hold {}, not {}{}", map.name_of(key), join(words, ", "), quote(text.value),
                          did_you_mean(text.value, words)),
              text.where);
      } else if (std::ranges::find(found, at->second) != found.end()) {
        wrong(fmt::format("{} names {} twice", map.name_of(key), quote(text.value)), text.where);
      } else {
        found.push_back(at->second);
      }
    }
    const auto place = [&](DType dtype) {
      return std::ranges::find(kWords, dtype, &std::pair<std::string, DType>::second) - kWords.begin();
    };
    std::ranges::sort(found, {}, place);
    return found;
  }

  void state(const std::string& op, Stated stated) {
    if (stated_.emplace(op, stated).second) return;
    wrong(fmt::format("'operators' names {} twice", quote(op)), stated.where);
  }

  /// The row is read, and those that it is like before it.
  void row(const std::string& op) {
    if (done_.contains(op)) return;
    open_.push_back(op);
    Capability read = start(op);
    read.op = op;
    read.where = stated_.at(op).where;
    read.source = source_;
    const YamlNode& node = *stated_.at(op).node;
    if (node.kind == YamlNode::Kind::kScalar) {
      read_short(node, op, read);
    } else {
      YamlMap map(node, "operators." + op, diagnostics_);
      read_long(map, read);
      map.finish();
    }
    open_.pop_back();
    done_.insert(op);
    result_.rows[op] = std::move(read);
  }

  /// What the base has, if it has the operator.
  Capability start(const std::string& op) {
    if (const auto at = result_.rows.find(op); at != result_.rows.end()) return at->second;
    Capability fresh;
    fresh.source = source_;
    fresh.input = fresh.output = {DType::kInt8};
    return fresh;
  }

  void set_runs(const std::string& word, const Where& where, const std::string& name, Capability& row) {
    const auto runs = runs_on_from(word);
    if (!runs) {
      wrong(fmt::format("{} must be one of {}, not {}{}", name, join(runs_on_words(), ", "), quote(word),
                        did_you_mean(word, runs_on_words())),
            where);
      return;
    }
    row.runs = *runs;
    if (!may_run_on_bpu(*runs)) {
      row.input = row.weight = row.output = {};
      row.limits.clear();
    } else if (*runs == RunsOn::kQuantised) {
      row.input = row.weight = row.output = {};  // what the configuration or `quantise` says
    } else if (row.input.empty() && row.output.empty()) {
      row.input = row.output = {DType::kInt8};
    }
  }

  void read_short(const YamlNode& node, const std::string& op, Capability& read) {
    set_runs(node.text, node.where, fmt::format("'operators.{}'", op), read);
  }

  void read_long(YamlMap& map, Capability& read) {
    const auto like = map.text("like");
    if (like) take_like(*like, map, read);
    const auto runs = map.text("runs");
    if (runs) set_runs(runs->value, runs->where, map.name_of("runs"), read);
    if (!runs && !like && !result_.rows.contains(read.op)) {
      std::vector<std::string> known;
      for (const auto& [op, row] : result_.rows) known.push_back(op);
      std::ranges::sort(known);
      const std::string near = did_you_mean(read.op, known);
      diagnostics_.error(codes::kMissingKey,
                         near.empty()
                             ? fmt::format("{} or {} is missing", map.name_of("runs"), map.name_of("like"))
                             : fmt::format("there is no row of {} to change{}; a new one needs {} or {}",
                                           quote(read.op), near, map.name_of("runs"), map.name_of("like")),
                         read.where);
    }
    if (auto both = precisions(map, "precision")) read.input = read.output = std::move(*both);
    for (const auto& [key, target] :
         {std::pair("input", &read.input), {"weight", &read.weight}, {"output", &read.output}}) {
      if (auto found = precisions(map, key)) *target = std::move(*found);
    }
    if (map.has("use") || map.has("limits")) read.limits.clear();
    for (const Placed<std::string>& group : texts(map, "use")) take_group(group, map, read);
    append(read.limits, limits(map.find("limits"), map.name_of("limits")));
    append(read.limits, limits(map.find("also"), map.name_of("also")));
    if (map.has("becomes")) {
      read.becomes.clear();
      for (const Placed<std::string>& op : texts(map, "becomes")) read.becomes.push_back(op.value);
    }
    if (const auto note = map.text("note")) read.note = note->value;
    if (const auto source = map.text("source")) read.source = source->value;
  }

  void take_group(const Placed<std::string>& name, YamlMap& map, Capability& read) {
    const auto at = result_.groups.find(name.value);
    if (at != result_.groups.end()) return append(read.limits, at->second);
    std::vector<std::string> names;
    for (const auto& [group, limits] : result_.groups) names.push_back(group);
    wrong(fmt::format("{}: there is no group {}{}", map.name_of("use"), quote(name.value),
                      did_you_mean(name.value, names)),
          name.where);
  }

  void take_like(const Placed<std::string>& like, YamlMap& map, Capability& read) {
    const bool here = stated_.contains(like.value);
    if (!here && !result_.rows.contains(like.value)) {
      std::vector<std::string> ops;
      for (const auto& [op, stated] : stated_) ops.push_back(op);
      for (const auto& [op, row] : result_.rows) ops.push_back(op);
      wrong(fmt::format("{}: there is no row of {}{}", map.name_of("like"), quote(like.value),
                        did_you_mean(like.value, ops)),
            like.where);
      return;
    }
    if (std::ranges::find(open_, like.value) != open_.end()) {
      wrong(fmt::format("{}: {} would be like itself", map.name_of("like"), quote(like.value)), like.where);
      return;
    }
    if (open_.size() > kLongestChain) {
      wrong(fmt::format("{}: more than {} rows in a chain", map.name_of("like"), kLongestChain), like.where);
      return;
    }
    if (here) row(like.value);
    const Capability& other = result_.rows.at(like.value);
    read.like = other.op;
    read.runs = other.runs;
    read.input = other.input;
    read.weight = other.weight;
    read.output = other.output;
    read.limits = other.limits;
    if (here) read.source = other.source;
  }

  Capabilities result_;
  std::string source_;
  Diagnostics& diagnostics_;
  std::map<std::string, Stated, std::less<>> stated_;
  std::set<std::string, std::less<>> done_;
  std::vector<std::string> open_;  // rows that are being read
  bool too_many_ = false;          // limits in a row, as was said
};

}  // namespace

Capabilities read_capabilities(YamlMap& march, const Capabilities& base, const std::string& source,
                               Diagnostics& diagnostics) {
  return Reader(base, source, diagnostics).read(march);
}

}  // namespace qprep
