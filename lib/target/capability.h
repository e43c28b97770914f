#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/dtype.h"
#include "support/diagnostics.h"
#include "target/constraint.h"

/// What a target runs where: one row for each operator, and what a row says of a node.
namespace qprep {

enum class RunsOn {
  kBpu,
  kManual,  // on the CPU, unless a configuration asks for the BPU
  kFused,   // on the BPU inside the kernel of another operator, else on the CPU
  kGone,    // folded or removed before anything runs
  kCpu,
  kNowhere,    // the target's own tools do not have it
  kQuantised,  // quantised, wherever the target runs it
  kFloat,      // in float: its tools do not quantise it
  kUnlisted,   // its list does not say
};
/// As in the file: "bpu".
std::string_view to_text(RunsOn runs);
std::optional<RunsOn> runs_on_from(std::string_view word);
std::vector<std::string> runs_on_words();
/// The BPU may run it, or it may be quantised, if its constraints hold.
bool may_run_on_bpu(RunsOn runs);

struct Limit {
  Constraint constraint;
  Where where;
};

struct Capability {
  std::string op;
  RunsOn runs = RunsOn::kUnlisted;
  /// kInt8, kInt16 or kInt32, in ascending order; empty: not quantised. `weight` is the second input where it
  /// is a constant.
  std::vector<DType> input, weight, output;
  std::vector<Limit> limits;         // all of them hold where the BPU runs it
  std::vector<std::string> becomes;  // the operators that the target runs it as; empty: itself
  std::string like;                  // the row that it takes its place from; empty: none
  std::string note;
  std::string source;  // empty: its file says no more than where it stands
  Where where;
};

struct Capabilities {
  std::string march;
  bool provisional = false;                                       // what no row speaks of may run on the BPU
  RunsOn others = RunsOn::kUnlisted;                              // what no row speaks of
  std::map<std::string, Capability, std::less<>> rows;            // by operator
  std::map<std::string, std::vector<Limit>, std::less<>> groups;  // that rows use, by name

  /// null: no row.
  const Capability* of(const Node& node) const;
};

/// What a target says of one node.
struct Judgement {
  RunsOn runs = RunsOn::kUnlisted;
  /// Whether the BPU can run it: of kGone, nothing is left to run, which holds.
  Verdict verdict = Verdict::kHolds;  // kUnlisted of a provisional table is undecided
  std::vector<std::string> reasons;   // why not; of kUndecided: what is unknown
  /// Each once; all of them together meet every limit that is broken, and there are none where that is not
  /// known.
  std::vector<std::string> remedies;
  bool by_constant = false;  // it reads a constant, and may read none
  bool leaves_open = false;  // of kBroken: other limits depend on what is not known
};

Judgement judge(const Capabilities& capabilities, const Node& node, const Situation& situation);

/// "bernoulli2's Conv", "bayes' Conv".
std::string operator_of(std::string_view march, std::string_view op);

}  // namespace qprep
