#include "target/capability.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "ir/operator_name.h"

namespace qprep {
namespace {

constexpr std::array<std::pair<std::string_view, RunsOn>, 9> kWords = {{{"bpu", RunsOn::kBpu},
                                                                        {"manual", RunsOn::kManual},
                                                                        {"fused", RunsOn::kFused},
                                                                        {"gone", RunsOn::kGone},
                                                                        {"cpu", RunsOn::kCpu},
                                                                        {"nowhere", RunsOn::kNowhere},
                                                                        {"quantised", RunsOn::kQuantised},
                                                                        {"float", RunsOn::kFloat},
                                                                        {"unlisted", RunsOn::kUnlisted}}};

std::string reason_of(RunsOn runs, const std::string& march, const std::string& op) {
  switch (runs) {
    case RunsOn::kCpu:
      return fmt::format("{} runs {} on the CPU", march, op);
    case RunsOn::kNowhere:
      return fmt::format("{} has no {}", march, op);
    case RunsOn::kFloat:
      return fmt::format("{} does not quantise {}", march, op);
    default:
      return fmt::format("the list of {} does not say where {} runs", march, op);
  }
}

void add(std::vector<std::string>& texts, const std::string& text) {
  if (!text.empty() && std::ranges::find(texts, text) == texts.end()) texts.push_back(text);
}

void judge_fused(Judgement& judgement, const std::string& who, const Situation& situation) {
  if (situation.fused.value_or(false)) return;
  judgement.verdict = situation.fused ? Verdict::kBroken : Verdict::kUndecided;
  judgement.reasons.push_back(
      situation.fused
          ? fmt::format("{} runs only inside the kernel of the operator before it, and is fused with none",
                        who)
          : fmt::format(
                "{} runs only inside the kernel of the operator before it: whether it is fused is unknown",
                who));
}

}  // namespace

std::string_view to_text(RunsOn runs) {
  return std::ranges::find(kWords, runs, &std::pair<std::string_view, RunsOn>::second)->first;
}

std::optional<RunsOn> runs_on_from(std::string_view word) {
  const auto at = std::ranges::find(kWords, word, &std::pair<std::string_view, RunsOn>::first);
  return at == kWords.end() ? std::nullopt : std::optional(at->second);
}

std::vector<std::string> runs_on_words() {
  std::vector<std::string> words;
  for (const auto& [word, runs] : kWords) words.emplace_back(word);
  return words;
}

bool may_run_on_bpu(RunsOn runs) {
  return runs == RunsOn::kBpu || runs == RunsOn::kQuantised || runs == RunsOn::kManual ||
         runs == RunsOn::kFused;
}

const Capability* Capabilities::of(const Node& node) const {
  const auto row = rows.find(operator_name(node));
  return row == rows.end() ? nullptr : &row->second;
}

Judgement judge(const Capabilities& capabilities, const Node& node, const Situation& situation) {
  Judgement judgement;
  const Capability* row = capabilities.of(node);
  judgement.runs = row ? row->runs : capabilities.others;
  if (judgement.runs == RunsOn::kGone) return judgement;
  if (!may_run_on_bpu(judgement.runs)) {
    const bool open = capabilities.provisional && judgement.runs == RunsOn::kUnlisted;
    judgement.verdict = open ? Verdict::kUndecided : Verdict::kBroken;
    judgement.reasons.push_back(reason_of(judgement.runs, capabilities.march, operator_name(node)));
    return judgement;
  }
  const std::string who = operator_of(capabilities.march, row->op);
  if (judgement.runs == RunsOn::kFused) judge_fused(judgement, who, situation);
  std::vector<std::string> open;
  bool can_be_met = true;  // as far as is known, each of those that are broken
  bool at_output = false;  // the model has to hand out what the node makes
  for (const Limit& limit : row->limits) {
    Outcome outcome = limit.constraint.check({node, situation}, who);
    at_output = at_output || limit.constraint.asks_for_model_output();
    if (outcome.verdict == Verdict::kHolds) continue;
    if (outcome.verdict == Verdict::kUndecided) {
      add(open, outcome.sentence);
      continue;
    }
    judgement.verdict = Verdict::kBroken;
    add(judgement.reasons, outcome.sentence);
    add(judgement.remedies, outcome.remedy);
    judgement.by_constant = judgement.by_constant || outcome.by_constant;
    can_be_met = can_be_met && !outcome.remedy.empty();
  }
  if (!can_be_met) judgement.remedies.clear();
  // What undoes the change would stand between.
  if (at_output && !judgement.remedies.empty())
    add(judgement.remedies, "hand its result out of the model as it is then");
  judgement.leaves_open = judgement.verdict == Verdict::kBroken && !open.empty();
  if (judgement.verdict == Verdict::kBroken) return judgement;
  if (!open.empty()) judgement.verdict = Verdict::kUndecided;
  for (const std::string& sentence : open) add(judgement.reasons, sentence);
  return judgement;
}

std::string operator_of(std::string_view march, std::string_view op) {
  return fmt::format("{}{} {}", march, march.ends_with('s') ? "'" : "'s", op);
}

}  // namespace qprep
