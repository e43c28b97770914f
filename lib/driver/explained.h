#pragma once

#include <string>
#include <vector>

#include "driver/decided.h"
#include "ir/graph.h"

/// What was decided for single nodes, and which settings spoke of them.
namespace qprep {

/// A setting that speaks of a slot, or of more. `setting`: "qprep.yaml:4:7 module_name 'head'"; `slot`: what
/// it speaks of, "output", "tail"; `says`: "qint16", "threshold 1".
struct ExplainedSetting {
  std::string setting, slot, says;
  std::string node = {};        // of a unit, the node that it names; else empty
  bool in_vain = false;         // it names the node and cannot affect it
  bool decides = false;         // it is among the reasons of what the slot holds
  bool decides_device = false;  // it is among those of the device of the node
  /// It holds for ends of the model alone, and so goes before what is said above of all nodes.
  bool goes_before_all = false;
};

/// A slot of a node: what it holds now, why, and what was said of it: first the reasons that speak of other
/// slots or nodes, then the others by priority. `rule`: none of them is the reason; a rule of placement is.
struct ExplainedSlot {
  std::string slot;       // "output", "weight", "constant 'c'"
  std::string precision;  // "qint8", "float32", "int64"
  std::string
      besides;  // what else is not as usual: "per tensor, averaging_constant 0, scale 0.5"; else empty
  std::string because;
  std::vector<ExplainedSetting> settings;
  bool rule = false;
};

/// A block that a node is part of, or a sequence that it would be part of. `because`: why the sequence is not
/// one unit; empty: of a block.
struct ExplainedGroup {
  std::string name;  // "Attention", "conv-add-relu"
  std::vector<std::string> nodes;
  std::string because = {};
};

/// A node; or a graph input or a constant: then op is "input" or "constant", and there is no device.
struct ExplainedNode {
  std::string name, op, device, because;
  std::string pattern;            // of its unit, if that has several nodes or is a composite operator
  std::vector<std::string> unit;  // the names of the unit's nodes; else empty
  /// The operators that a layer's unit ends before, where no sequence goes on with these.
  std::vector<std::string> ends_before;
  std::string alone;  // of a sum of two results in a unit of its own: why no layer adds it; else empty
  std::vector<std::string> absorbed;
  /// What it was in the file, if another operator: "Gemm, which is a Conv now, by gemm-to-conv".
  std::vector<std::string> was;
  std::string
      kept;  // why a replacement that was asked for was not made: "gemm-to-conv leaves it ..."; else empty
  std::string becomes;    // what it is in the model that is written: "HardSwish"; empty: what it is here
  std::string made_for;   // the user's node for which a replacement put this one in; empty: it is the user's
  std::string undecided;  // the limits of the target that cannot be decided and are taken to hold
  std::string remedy;     // what would bring it to the BPU, or decide those limits; empty: nothing is known
  std::vector<ExplainedGroup> blocks, not_fused;
  std::vector<ExplainedSlot> slots;
};

/// In this order: graph inputs, initializers, nodes of the main graph.
std::vector<ExplainedNode> explain_those(const Decided& decided, const std::vector<const Value*>& inputs,
                                         const std::vector<const Value*>& constants,
                                         const std::vector<const Node*>& nodes);
/// All graph inputs (those that are initializers aside) and nodes of the main graph, in its order.
std::vector<ExplainedNode> explain_all(const Decided& decided);

}  // namespace qprep
