#pragma once

#include <string>
#include <string_view>

#include "plan/plan.h"
#include "support/diagnostics.h"

/// A configuration, however it is written, is one list of settings in order of priority: of those that speak
/// of a slot of a node, the first wins.
namespace qprep {

/// What a setting speaks of.
/// kNode: whether the node is quantised at all; only float32 is said of it.
/// kOutput: the results of a node, and a graph input that is named; constants in arithmetic follow their
/// reader. kWeight: the weight of a gemm_like node. kTail: what stands behind the last gemm_like operators
/// (docs/placement.md).
enum class Slot { kNode, kOutput, kWeight, kTail };
std::string_view to_text(Slot slot);

/// Which nodes a setting speaks of; docs/config.md, "Selectors".
struct Selector {
  /// kExact: a name as it stands, for tables that programs write: no scope, no pattern.
  enum class Kind { kAll, kName, kExact, kType };
  Kind kind = Kind::kAll;
  std::string text = {};  // as the user wrote it

  friend bool operator==(const Selector&, const Selector&) = default;
};

struct Setting {
  Selector selector;
  Slot slot = Slot::kOutput;
  Precision precision = Precision::kInt8;
  Where where;       // file empty: a built-in default
  std::string what;  // "activations.dtype", "module_name 'head.cls'"; of a default "int8 activations"

  /// Some nodes, not all.
  bool names_nodes() const { return selector.kind != Selector::Kind::kAll; }
};

Setting setting_for_all(Slot slot, Precision precision, Where where, std::string what);

/// "qprep.yaml:7:3 activations.dtype", or "default: int8 activations": the same wherever the file lies, since
/// it stands in the check result.
std::string to_text(const Setting& setting);

}  // namespace qprep
