#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"
#include "report/crossings.h"

/// The partition of a model as boxes and arrows: what `<prefix>_segments.dot` draws.
namespace qprep {

/// Why nodes run on the CPU.
struct FlowReason {
  int general = 0;   // the same for sentences that differ in names only
  std::string text;  // the sentence; with '...' for the names where the nodes' sentences differ in them
};

/// Nodes that are drawn as one.
struct FlowBox {
  static constexpr int kCpu = -1, kSeveral = -2;

  int segment = kCpu;           // of the BPU; kSeveral: of more than one place
  bool reads_data = true;       // false: it computes from constants and shapes alone
  int body = 0;                 // index in Flow::bodies
  std::vector<int> kinds = {};  // of its units, in graph order: indices in Flow::kinds
  std::vector<std::string> nodes = {};
  std::vector<FlowReason> reasons = {};  // of its nodes on the CPU, each once
  std::vector<int> segments = {};        // of its nodes on the BPU, each once

  bool same_place(const FlowBox& other) const { return segment == other.segment && body == other.body; }
  /// Result: this box has the other's nodes, too, behind its own.
  void take_in(FlowBox&& other);
};

/// From box to box, or from or to the caller of the model.
struct FlowArrow {
  static constexpr std::size_t kCaller = ~std::size_t{0};

  std::size_t from = kCaller;
  std::size_t to = kCaller;
  /// Index in Flow::tensors of what crosses between places, or enters or leaves the model; -1: none does.
  int tensor = -1;

  friend auto operator<=>(const FlowArrow&, const FlowArrow&) = default;
};

struct Flow {
  std::vector<FlowBox> boxes;  // each behind those whose data it reads
  std::vector<FlowArrow> arrows;
  std::vector<Crossing> tensors;   // without `from` and `to`
  std::vector<std::string> kinds;  // "conv-add-relu", "LayerNormalization", "Softmax"
  std::vector<std::string> bodies =
      {};  // the nodes whose bodies are drawn; empty for the main graph, the first
  std::size_t bpu_nodes = 0, cpu_nodes = 0;  // constants count as none
  std::size_t segments = 0;
};

/// Tensors that go the same way, drawn as one.
struct FlowBundle {
  std::vector<std::size_t> from, to;  // boxes; empty: the caller
  std::vector<int> tensors;           // ascending
};
/// All tensors of the flow, in the order of their first.
std::vector<FlowBundle> bundles_of(const Flow& flow);

/// A box for each unit and for each node outside of units, constants excepted. What control flow hands to
/// its bodies comes from who made it, and what they make goes to the control flow.
Flow flow_of(const Model& model, const Plan& plan);

}  // namespace qprep
