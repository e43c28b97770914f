#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/report.h"

namespace qprep {

/// Nodes that run on the CPU for one reason and have one remedy.
struct CpuReason {
  std::string because;  // sentences that differ in names only are one, with '...' for the names
  std::vector<std::pair<std::string, std::size_t>>
      ops;  // with how many of the nodes, the most frequent first
  std::vector<std::string> nodes;
  std::string remedy;  // what would bring them to the BPU; empty: nothing is known
};

/// All nodes on the CPU by their reasons and remedies, the most frequent first. A Constant computes nothing,
/// and is none.
std::vector<CpuReason> cpu_reasons(const Report& report);

/// Nodes on the BPU of which the same limits cannot be decided.
struct UndecidedLimits {
  std::string because;  // likewise without names, where these differ
  std::vector<std::string> nodes;
};

/// The most frequent first.
std::vector<UndecidedLimits> undecided_limits(const Report& report);

/// The same of all nodes of one operator, shortly.
struct OpenOperator {
  std::string op;                   // of the nodes, or the composite operator that they spell out
  std::vector<std::string> axes;    // the open ones by their symbols, or what else is unknown
  std::vector<std::string> limits;  // "H * W is at most 8192"
  std::vector<std::string> nodes;
};

/// The most frequent first.
std::vector<OpenOperator> open_operators(const Report& report);

}  // namespace qprep
