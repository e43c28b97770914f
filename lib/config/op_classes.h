#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "ir/graph.h"

/// configs/op_classes.yaml: what each operator does to numbers, so that passes speak of classes and not of
/// names. The file explains its keys.
namespace qprep {

enum class OpClass {
  kGemmLike,   // multiplies and accumulates: starts quantisation, its weight has a scale for each channel
  kActive,     // computes new numbers: starts quantisation, its result has a scale of its own
  kPassive,    // hands elements on: its result has the scale of its one data input
  kQuantised,  // carries scales of its own: QuantizeLinear, QLinearConv, FakeQuantize, ...
  kInteger,    // shapes, indices, conditions, logic
  kFloat,      // stays float
};
/// As in the file: "gemm_like".
std::string_view to_text(OpClass op_class);

/// Which axis of a weight counts the output channels; channel_axis() in passes/weights.h computes it.
enum class ChannelRule { kNone, kFirst, kTransposed, kLast, kGemm };

/// What the file says of one operator, or of one case of it.
struct OpTraits {
  OpClass op_class = OpClass::kFloat;
  std::vector<std::size_t> data = {};  // ascending
  bool all_inputs = false;             // every input carries data; `data` is empty then
  std::optional<std::size_t> weight = {}, bias = {}, nonzero = {};
  ChannelRule channels = ChannelRule::kNone;
  bool all_outputs = false;  // of a passive operator: every output hands on, not only the first
  bool bounded = false, scales = false, prepares = false, reduces = false, dynamic = false, metadata = false;
  bool channels_apart = false;
  std::string why = {};

  bool is_data(std::size_t input) const;
};

/// One thing that a case asks of a node.
struct OpCondition {
  using Value = std::variant<std::int64_t, std::string>;
  enum class Kind {
    kAttribute,  // its value, or `otherwise` where it is absent, is one of `values`
    kInputZero,  // input number `input` is omitted, or a constant of zeros
  };

  Kind kind = Kind::kAttribute;
  std::size_t input = 0;
  std::string attribute = {};
  std::vector<Value> values = {};
  std::optional<Value> otherwise = {};
};

struct OpClasses {
  struct Case {
    std::vector<OpCondition> conditions;  // all must hold
    OpTraits traits;
  };
  struct Row {
    OpTraits traits;
    std::vector<Case> cases;  // the first that holds counts
  };

  /// By "Conv", or "com.microsoft::FusedConv" outside ONNX's own domain.
  std::unordered_map<std::string, Row> rows;

  /// What holds for the node: kFloat, with that reason, for an operator that the file does not know.
  const OpTraits& of(const Node& node) const;
};

/// Throws Fatal with every mistake of the file: unknown keys and words, an operator that stands twice, one
/// without a reason.
OpClasses read_op_classes(const std::string& file);

/// True for a constant all of whose elements are zero.
bool is_zero_constant(const Value& value);

}  // namespace qprep
