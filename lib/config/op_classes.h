#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "ir/graph.h"

/// configs/op_classes.yaml: what each operator does to numbers, so that passes speak of classes and not of
/// names.
namespace qprep {

/// The classes of docs/op_classes.md, one for each operator.
enum class OpClass {
  kGemmLike,   // multiplies and accumulates: starts quantisation, its weight is quantised per channel
  kActive,     // computes new numbers from its data: starts quantisation, its result has its own scale
  kPassive,    // hands elements on: its result has the scale of its one data input
  kQuantised,  // carries scales of its own: QuantizeLinear, QLinearConv, FakeQuantize, ...
  kInteger,    // shapes, indices, conditions, logic
  kFloat,      // stays float, with the reason
};
std::string_view to_text(OpClass op_class);  // "gemm_like", as in the file
std::optional<OpClass> op_class_from(std::string_view word);

/// Which axis of a weight counts the output channels.
enum class ChannelRule {
  kNone,        // no such axis: per tensor
  kFirst,       // Conv: axis 0 of [M, C/group, ...]
  kTransposed,  // ConvTranspose: axis 1 of [C, M/group, ...]; axis 0 where each group is one channel to one
  kLast,        // MatMul: the last axis; a vector has none
  kGemm,        // Gemm: axis 1, or 0 with transB
};

/// What the file says of one operator, or of one case of it.
struct OpTraits {
  OpClass op_class = OpClass::kFloat;
  /// The inputs that carry data; the others (shapes, indices, axes, parameters) are never quantised.
  std::vector<std::size_t> data = {};
  bool all_inputs = false;  // every input carries data, however many there are
  std::optional<std::size_t> weight = {}, bias = {};
  ChannelRule channels = ChannelRule::kNone;
  bool bounded = false;                     // the result is small whatever enters: masks end here
  bool multiplies = false;                  // a large constant only scales
  bool reduces = false;                     // the result is a statistic of many elements
  std::optional<std::size_t> divisor = {};  // the input that divides
  bool dynamic = false;                     // kQuantised: computes its scales while it runs
  bool metadata = false;                    // reads only the shape
  std::string why = {};

  bool is_data(std::size_t input) const;
};

/// One thing a case asks of a node; all must hold.
struct OpCondition {
  enum class Kind {
    kAttribute,      // the attribute's value, or `otherwise` where absent, is one of `values`
    kInputZero,      // the input is omitted, or a constant of zeros
    kInputCount,     // the node has `input` inputs
    kInputConstant,  // the input is a constant
  };
  using Value = std::variant<std::int64_t, double, std::string>;

  Kind kind = Kind::kAttribute;
  std::string attribute;
  std::vector<Value> values;
  std::optional<Value> otherwise;
  std::size_t input = 0;
};

struct OpClasses {
  struct Case {
    std::vector<OpCondition> conditions;
    OpTraits traits;
  };
  struct Row {
    OpTraits traits;
    std::vector<Case> cases;  // the first whose conditions hold counts
  };

  /// By "Conv", or "com.microsoft::FusedConv" outside ONNX's own domain.
  std::unordered_map<std::string, Row> rows;

  /// What holds for the node; kFloat with a reason for an operator that the file does not know.
  const OpTraits& of(const Node& node) const;
};

/// Throws Fatal with every mistake of the file: unknown keys, classes and rules, an operator that stands
/// twice, one without a reason.
OpClasses read_op_classes(const std::string& file);

}  // namespace qprep
