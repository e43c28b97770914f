#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "plan/plan.h"
#include "support/diagnostics.h"

/// A configuration, however it is written, is one list of settings in order of priority: of those that speak
/// of the same aspect of a slot of a node, the first wins.
namespace qprep {

/// What a setting speaks of.
/// kNode: whether the node is quantised at all; only float32 is said of it.
/// kOutput: the results of a node, and a graph input that is named; constants in arithmetic follow their
/// reader. kInput: what a node reads, which is an output of whoever made it: the same as kOutput of that
/// node or graph input, found through passive operators. kWeight: the weight of a gemm_like node.
/// kHead: what stands before the first gemm_like operators; kTail: what stands behind the last ones;
/// kHighPrecision: a gemm_like result that only
/// outputs of the graph take (docs/placement.md). Of head and tail float32 is said, or any other precision to
/// quantise it like the rest; of the high-precision results float32, or what they have instead, and with them
/// the results of a quantised tail that only outputs take.
enum class Slot { kNode, kInput, kWeight, kOutput, kTail, kHighPrecision, kHead };
std::string_view to_text(Slot slot);

/// Which nodes a setting speaks of; docs/config.md, "Selectors".
struct Selector {
  enum class Kind {
    kAll,
    kName,      // a name, a scope, a glob or "re:..."
    kExact,     // a name as it stands, for tables that programs write: no scope, no pattern
    kType,      // "Conv"; "Conv2d": over two spatial axes; "Gemm,MatMul": either
    kClass,     // an operator class: "gemm_like"
    kBefore,    // what leads to an input of an operator, "GridSample:1", back to the nearest gemm_like node
                // and with it; "Softmax": to any input of it
    kSubgraph,  // all on the ways from some tensors to others: `from` and `to`
    kOutside,   // what leads to the tensors or nodes `from`, with what makes them, and what depends on `to`
  };
  Kind kind = Kind::kAll;
  std::string text = {};  // as the user wrote it
  std::vector<std::string> from = {}, to = {};
  bool optional = false;  // to match nothing is no mistake

  friend bool operator==(const Selector&, const Selector&) = default;
};

/// Aspects other than the precision.
struct ObserverName {
  std::string name;  // "min_max", "moving_average"
  friend bool operator==(const ObserverName&, const ObserverName&) = default;
};
struct AveragingConstant {
  float value = 0;  // 0: the scale is frozen while training
  friend bool operator==(const AveragingConstant&, const AveragingConstant&) = default;
};
/// A scale that the user gives, > 0; nothing is observed then.
struct FixedScale {
  double threshold =
      0;  // the scale is threshold / -quant_min, of whatever precision holds; 0: `scale` is given
  double scale = 0;
  friend bool operator==(const FixedScale&, const FixedScale&) = default;
};
struct PerChannel {
  bool value = true;  // of weights
  friend bool operator==(const PerChannel&, const PerChannel&) = default;
};
struct SharedScale {
  bool value = false;  // all calls of a shared module have one scale for what they make
  friend bool operator==(const SharedScale&, const SharedScale&) = default;
};

struct SameScale {
  bool value = false;  // what the node reads and what it makes have one scale
  friend bool operator==(const SameScale&, const SameScale&) = default;
};

/// Whatever else the scheme is.
struct PowerOfTwo {
  bool value = false;  // the scale is the nearest power of two
  friend bool operator==(const PowerOfTwo&, const PowerOfTwo&) = default;
};

/// What is said; each alternative is one aspect, settled apart from the others.
using Says = std::variant<Precision, ObserverName, AveragingConstant, FixedScale, PerChannel, SharedScale,
                          SameScale, Scheme, PowerOfTwo>;
/// The alternatives of Says, in its order.
enum class Aspect {
  kPrecision,
  kObserver,
  kAveragingConstant,
  kFixedScale,
  kPerChannel,
  kShare,
  kSameScale,
  kScheme,
  kPowerOfTwo
};
inline Aspect aspect_of(const Says& says) { return static_cast<Aspect>(says.index()); }
/// "qint16", "observer moving_average", "averaging_constant 0", "threshold 1", "scale 0.5", "per tensor",
/// "one scale for all calls", "the same scale", "unsigned, asymmetric", "scale a power of two".
std::string to_text(const Says& says);

struct Setting {
  Selector selector;
  Slot slot = Slot::kOutput;
  Says says = Precision::kInt8;
  Where where;       // file empty: a built-in default
  std::string what;  // "activations.dtype", "module_name 'head.cls'"; of a default "int8 activations"
  std::optional<std::size_t> input = {};  // of kInput: which one; none: every input that carries data
  Where named_at = {};                    // where its selector stands, if not at `where`; line 0: it does
  Where repeats_at = {};                  // where the setting stands whose precision it repeats; line 0: none
  bool implied = false;                   // what a way of writing means where it says nothing
  /// It says in which precision, not whether: what rules leave float stays so.
  bool of_table = false;
  bool of_target = false;            // the target's file says it, for what no configuration does
  const Setting* repeats = nullptr;  // that one, once they stand in NodeSettings

  const Where& selector_place() const { return named_at.line > 0 ? named_at : where; }

  /// Some nodes, not all.
  bool names_nodes() const { return selector.kind != Selector::Kind::kAll; }
  /// They are neither head nor tail nor high-precision output by rule.
  bool places_nodes() const { return names_nodes() && !of_table; }
  /// Given: it speaks of the precision.
  Precision precision() const { return std::get<Precision>(says); }
  bool says_precision() const { return std::holds_alternative<Precision>(says); }
};

/// "qint16", "threshold 1"; of a tail that is quantised "like the rest".
std::string said_by(const Setting& setting);

Setting setting_for_all(Slot slot, Precision precision, Where where, std::string what);

/// "qprep.yaml:7:3 activations.dtype", or "default: int8 activations": the same wherever the file lies, since
/// it stands in the check result.
std::string to_text(const Setting& setting);

}  // namespace qprep
