#include "driver/target_rows.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

#include "report/page.h"
#include "report/table.h"
#include "support/text.h"

namespace qprep {
namespace {

using Rows = std::map<std::string, Capability, std::less<>>;

std::vector<std::string> words(const std::vector<DType>& precisions) {
  std::vector<std::string> found;
  for (const DType each : precisions) found.push_back(to_text(each));
  return found;
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string where_it_runs(const Capability& row) {
  switch (row.runs) {
    case RunsOn::kBpu:
      return "runs on the BPU";
    case RunsOn::kManual:
      return "runs on the CPU, and on the BPU where a configuration asks for it";
    case RunsOn::kFused:
      return "runs on the BPU inside the kernel of the operator before it, else on the CPU";
    case RunsOn::kGone:
      return "is gone before anything runs";
    case RunsOn::kCpu:
      return "runs on the CPU";
    case RunsOn::kNowhere:
      return "runs nowhere: the target's own tools do not have it";
    case RunsOn::kQuantised:
      return "is quantised";
    case RunsOn::kFloat:
      return "is computed in float";
    case RunsOn::kUnlisted:
      break;
  }
  return "is not in the target's list";
}

/// "input int8 or int16, weight int8"; empty: nothing is quantised.
std::string precisions_text(const Capability& row) {
  std::vector<std::string> parts;
  for (const auto& [slot, precisions] :
       {std::pair("input", &row.input), {"weight", &row.weight}, {"output", &row.output}}) {
    if (!precisions->empty()) parts.push_back(fmt::format("{} {}", slot, join(words(*precisions), " or ")));
  }
  return join(parts, ", ");
}

std::string note_of(const Capability& row) {
  std::vector<std::string> parts;
  if (!row.becomes.empty()) parts.push_back("as " + join(row.becomes, " and "));
  if (!row.note.empty()) parts.push_back(row.note);
  return join(parts, "; ");
}

void append_row(std::string& text, const Capability& row) {
  const std::string note = note_of(row);
  text +=
      fmt::format("\n{} {}{}\n", row.op, where_it_runs(row), note.empty() ? "" : fmt::format(" ({})", note));
  if (const std::string precisions = precisions_text(row); !precisions.empty())
    text += fmt::format("  {}\n", precisions);
  for (const Limit& limit : row.limits) text += fmt::format("  - {}\n", limit.constraint.rule());
  text += fmt::format("  {}{}\n", to_text(row.where), row.source.empty() ? "" : ", from " + row.source);
}

bool is_wanted(const std::string& op, const std::vector<std::string>& only) {
  return only.empty() || std::ranges::find(only, op) != only.end();
}

std::vector<std::string> rules_of(const Capability* row) {
  std::vector<std::string> rules;
  if (!row) return rules;
  for (const Limit& limit : row->limits) rules.push_back(limit.constraint.rule());
  return rules;
}

std::vector<std::string> without(const std::vector<std::string>& rules,
                                 const std::vector<std::string>& others) {
  std::vector<std::string> left;
  for (const std::string& rule : rules) {
    if (std::ranges::find(others, rule) == others.end()) left.push_back(rule);
  }
  return left;
}

std::string text_of(const TensorRule& rule) {
  QuantSpec spec;
  if (rule.precision) spec.precision = rule.precision->value;
  if (rule.scheme) spec.scheme = rule.scheme->value;
  std::vector<std::string> parts = {std::string(to_text(spec))};
  if (const std::string scheme = to_text(spec.scheme); !scheme.empty()) parts.push_back(scheme);
  if (rule.per_channel) parts.emplace_back(rule.per_channel->value ? "per channel" : "per tensor");
  if (rule.observer) parts.push_back(rule.observer->value);
  if (rule.averaging_constant) parts.push_back(fmt::format("averaging {}", rule.averaging_constant->value));
  return join(parts, ", ");
}

std::string text_of(const std::vector<Placed<std::string>>& words) {
  std::vector<std::string> texts;
  for (const Placed<std::string>& each : words) texts.push_back(each.value);
  return join(texts, ", ");
}

/// What two marches say of one operator; null: no row.
struct Pair {
  std::string op;
  const Capability* before = nullptr;
  const Capability* after = nullptr;

  std::string runs(const Capability* row) const { return row ? std::string(to_text(row->runs)) : "no row"; }
  std::string precisions(const Capability* row) const { return row ? or_dash(precisions_text(*row)) : "-"; }
  std::vector<std::string> lost() const { return without(rules_of(before), rules_of(after)); }
  std::vector<std::string> added() const { return without(rules_of(after), rules_of(before)); }
  bool differs() const {
    return runs(before) != runs(after) || precisions(before) != precisions(after) || !lost().empty() ||
           !added().empty();
  }
};

std::vector<Pair> differing(const March& before, const March& after) {
  std::set<std::string> ops;
  for (const March* march : {&before, &after}) {
    for (const auto& [op, row] : march->capabilities.rows) ops.insert(op);
  }
  const auto row_of = [](const March& march, const std::string& op) {
    const auto at = march.capabilities.rows.find(op);
    return at == march.capabilities.rows.end() ? nullptr : &at->second;
  };
  std::vector<Pair> pairs;
  for (const std::string& op : ops) {
    const Pair pair{op, row_of(before, op), row_of(after, op)};
    if (pair.differs()) pairs.push_back(pair);
  }
  return pairs;
}

nlohmann::ordered_json limits_json(const Capability& row) {
  nlohmann::ordered_json limits = nlohmann::ordered_json::array();
  for (const Limit& limit : row.limits) {
    limits.push_back({{"rule", limit.constraint.rule()},
                      {"text", limit.constraint.text()},
                      {"where", to_text(limit.where)}});
  }
  return limits;
}

using Ways = std::vector<std::pair<std::string, std::string>>;

void append_differing(std::string& text, std::string_view title, const Ways& before, const Ways& after) {
  if (before == after) return;
  text += fmt::format("\n{}\n", title);
  const auto append_others = [&](char sign, const Ways& ways, const Ways& others) {
    for (const auto& way : ways) {
      if (std::ranges::find(others, way) == others.end())
        text += fmt::format("  {} {}: {}\n", sign, way.first, way.second);
    }
  };
  append_others('-', before, after);
  append_others('+', after, before);
}

}  // namespace

/// "what: how", a line each.
std::vector<std::pair<std::string, std::string>> how_it_quantises(const March& march) {
  std::vector<std::pair<std::string, std::string>> lines;
  if (!march.quantise) return lines;
  const Quantise& quantise = *march.quantise;
  lines.emplace_back("activations", text_of(quantise.activations));
  lines.emplace_back("weights", text_of(quantise.weights));
  for (const Quantise::ByOperator& each : quantise.operators) {
    lines.emplace_back("results of " + each.op, text_of(each.results));
  }
  lines.emplace_back("results", quantise.only_where_read ? "only what a quantised operator reads"
                                                         : "what a quantised operator makes, too");
  if (quantise.outputs) {
    lines.emplace_back("what only outputs take", quantise.outputs->value ? "like the rest" : "float");
  }
  if (!quantise.own_scale.empty()) lines.emplace_back("own scale", text_of(quantise.own_scale));
  for (const Placed<std::string>& each : quantise.not_yet) lines.emplace_back("not carried out", each.value);
  return lines;
}

std::vector<std::pair<std::string, std::string>> how_it_rewrites(const March& march) {
  std::vector<std::pair<std::string, std::string>> lines;
  const auto add_names = [&](const char* what, const std::vector<FusionPattern>& patterns) {
    std::vector<std::string> names;
    for (const FusionPattern& each : patterns) names.push_back(each.name);
    if (!names.empty()) lines.emplace_back(what, join(names, ", "));
  };
  add_names("fuses as heads, besides the usual", march.sequences.heads);
  add_names("fuses as tails, besides the usual", march.sequences.tails);
  add_names("fuses as units of their own", march.sequences.units);
  if (march.tails)
    lines.emplace_back("of the usual tails fuses", march.tails->empty() ? "none" : join(*march.tails, ", "));
  if (march.tail_relu_apart)
    lines.emplace_back("a Relu behind the last layer", "is not fused, and runs on the CPU");
  if (!march.int16_addends) lines.emplace_back("a layer that adds", "takes no addend in int16");
  if (!march.same_scale.empty())
    lines.emplace_back("one scale for data and results", join(march.same_scale, ", "));
  if (!march.replace.empty()) lines.emplace_back("replaces", join(march.replace, ", "));
  return lines;
}

nlohmann::ordered_json ways_json(const Ways& ways) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const auto& [what, how] : ways) json.push_back({{"what", what}, {"how", how}});
  return json;
}

std::string about(const March& march) {
  std::string text = fmt::format("from {}\n", march.source);
  if (march.quantise) text += "how its tools quantise a model:\n";
  for (const auto& [what, how] : how_it_quantises(march)) text += fmt::format("  {}: {}\n", what, how);
  const auto rewrites = how_it_rewrites(march);
  if (!rewrites.empty()) text += "how nodes are fused and replaced for it:\n";
  for (const auto& [what, how] : rewrites) text += fmt::format("  {}: {}\n", what, how);
  if (march.quantise && march.provisional) return text + "provisional: concluded, not read\n";
  if (march.capabilities.rows.empty()) {
    text += "nothing is known of what it runs where: whatever can be quantised is asked of the BPU\n";
  } else if (march.provisional) {
    text += "provisional: concluded, not read; what no row speaks of is asked of the BPU\n";
  }
  return text;
}

std::string rows_text(const March& march, const std::vector<std::string>& only) {
  std::string text;
  Table table;
  table.headers = {"operator", "runs", "input", "weight", "output", "limits", "note"};
  table.align = {Table::Align::kLeft, Table::Align::kLeft, Table::Align::kLeft,
                 Table::Align::kLeft, Table::Align::kLeft, Table::Align::kRight};
  for (const auto& [op, row] : march.capabilities.rows) {
    if (!is_wanted(op, only)) continue;
    if (!only.empty()) {
      append_row(text, row);
      continue;
    }
    table.rows.push_back({op, std::string(to_text(row.runs)), or_dash(join(words(row.input), " ")),
                          or_dash(join(words(row.weight), " ")), or_dash(join(words(row.output), " ")),
                          row.limits.empty() ? "-" : std::to_string(row.limits.size()),
                          or_dash(note_of(row))});
  }
  if (!table.rows.empty()) {
    text += "\n";
    append_simple(text, table);
  }
  return text;
}

nlohmann::ordered_json rows_json(const March& march, const std::vector<std::string>& only) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& [op, row] : march.capabilities.rows) {
    if (!is_wanted(op, only)) continue;
    nlohmann::ordered_json json = {{"operator", op},
                                   {"runs", to_text(row.runs)},
                                   {"input", words(row.input)},
                                   {"weight", words(row.weight)},
                                   {"output", words(row.output)},
                                   {"limits", limits_json(row)}};
    if (!row.becomes.empty()) json["becomes"] = row.becomes;
    if (!row.note.empty()) json["note"] = row.note;
    if (!row.source.empty()) json["source"] = row.source;
    json["where"] = to_text(row.where);
    rows.push_back(std::move(json));
  }
  return rows;
}

std::string difference_text(const March& before, const March& after) {
  const std::vector<Pair> pairs = differing(before, after);
  std::string text =
      fmt::format("{} from {} to {}\n", counted(pairs.size(), "operator differs", "operators differ"),
                  before.name, after.name);
  append_differing(text, "how they quantise", how_it_quantises(before), how_it_quantises(after));
  append_differing(text, "how nodes are fused and replaced for them", how_it_rewrites(before),
                   how_it_rewrites(after));
  for (const Pair& pair : pairs) {
    text += fmt::format("\n{}\n", pair.op);
    if (pair.runs(pair.before) != pair.runs(pair.after)) {
      text += fmt::format("  runs: {} -> {}\n", pair.runs(pair.before), pair.runs(pair.after));
    }
    if (pair.precisions(pair.before) != pair.precisions(pair.after)) {
      text +=
          fmt::format("  precisions: {} -> {}\n", pair.precisions(pair.before), pair.precisions(pair.after));
    }
    for (const std::string& rule : pair.lost()) text += fmt::format("  - {}\n", rule);
    for (const std::string& rule : pair.added()) text += fmt::format("  + {}\n", rule);
  }
  return text;
}

nlohmann::ordered_json difference_json(const March& before, const March& after) {
  nlohmann::ordered_json operators = nlohmann::ordered_json::array();
  for (const Pair& pair : differing(before, after)) {
    operators.push_back({{"operator", pair.op},
                         {"runs", {pair.runs(pair.before), pair.runs(pair.after)}},
                         {"precisions", {pair.precisions(pair.before), pair.precisions(pair.after)}},
                         {"only_before", pair.lost()},
                         {"only_after", pair.added()}});
  }
  const auto ways = [](const March& march) {
    Ways all = how_it_quantises(march);
    for (auto& way : how_it_rewrites(march)) all.push_back(std::move(way));
    return ways_json(all);
  };
  return {{"before", before.name},
          {"after", after.name},
          {"ways", {ways(before), ways(after)}},
          {"operators", operators}};
}

}  // namespace qprep
