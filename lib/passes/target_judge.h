#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/op_classes.h"
#include "passes/data_flow.h"
#include "plan/plan.h"
#include "target/capability.h"

namespace qprep {

struct March;

/// What the march that the configuration names says of a model's nodes. Without a march, and for one without
/// a table of operators, the BPU runs whatever it is asked for.
class TargetJudge {
 public:
  /// Given: all outlive it. `march`: null for none. `opset`: of ONNX's operators in the model.
  TargetJudge(const OpClasses& classes, const March* march, std::int64_t opset);

  bool has_table() const { return table_ != nullptr; }
  /// As messages call it. Given: has_table().
  const std::string& march() const { return table_->march; }

  /// What a unit is asked for; nullopt: float.
  struct Asked {
    std::optional<Precision> input, weight, output;
    bool by_name = false;          // a setting wants it on the BPU
    bool last_of_segment = false;  // nothing quantised reads its result
  };
  /// Of all its nodes: the first runs by itself, those of a sequence behind the layer inside its kernel, and
  /// each of a composite operator by itself, unless the BPU may run that by a row of its own.
  Judgement of(const Unit& unit, const Asked& asked) const;
  /// Of a node of no unit. Nobody asks for a precision of its own for it, so none counts as asked for.
  Judgement of_single(const Node& node) const;
  /// Why the node cannot run inside the kernel of the layer before it; empty: it can.
  std::string refusal_inside(const Node& node) const;
  /// The same of a composite operator, each of whose parts has to: of the unit that it would join, they are
  /// nodes like others.
  std::string refusal_inside(const Unit& composite) const;

  /// Whether the row of the operator has the format for its data, its weight or its result; true without a
  /// row.
  bool takes(const Node& node, Precision precision) const;
  bool weighs(const Node& node, Precision precision) const;
  bool makes(const Node& node, Precision precision) const;
  /// The same of a unit, where `reader` is the node of it that data enters: a composite operator with a row
  /// that the BPU may run by is one operator.
  bool takes(const Unit& unit, const Node& reader, Precision precision) const;
  bool makes(const Unit& unit, Precision precision) const;

 private:
  Situation situation_of(const Node& node, const Asked& asked) const;
  /// Given: row_of(composite).
  Judgement of_operator(const Unit& composite, const Asked& asked) const;
  std::vector<std::string> without_constant(const Node& node) const;
  /// The remedy in other words where the target does not run the Reshape that it would take.
  std::string as_it_can(std::string remedy) const;
  void add(const Node& node, const Situation& situation, bool by_name, Judgement& all) const;
  const Capability* row_of(const Node& node) const;
  /// By which a composite operator runs as one; null: each of its parts runs by its own.
  const Capability* row_of(const Unit& unit) const;

  const OpClasses& classes_;
  const Capabilities* table_;
  std::int64_t opset_;
};

/// The remedy of what the target runs on the CPU only because nobody asked for the BPU.
inline constexpr std::string_view kAskForBpu = "give it a precision of its own, by type or name";

/// How remedies begin that keep what surrounds the node as it is, and those that do not, for a target that
/// runs no Reshape.
inline constexpr std::string_view kReshapeToRank = "reshape it to rank";
inline constexpr std::string_view kKeepRank = "keep its branch at rank";

/// The sentences of a judgement as one.
std::string reasons_of(const Judgement& judgement);
std::string remedies_of(const Judgement& judgement);

/// The nodes of a unit behind its layer: what the layer's kernel does besides. Of a unit without a layer, and
/// of a composite operator, none.
std::vector<const Node*> nodes_behind_layer(const Unit& unit, const OpClasses& classes);

}  // namespace qprep
