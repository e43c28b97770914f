#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"
#include "report/accumulators.h"
#include "report/calibrated.h"
#include "report/crossings.h"
#include "report/numeric_risk.h"
#include "report/sensitivity.h"
#include "support/diagnostics.h"

/// model_check_result.txt and model_check_result.json: what was decided for every node, and why.
/// docs/report.md describes both for users.
namespace qprep {

struct Capabilities;

/// How a node reads or makes one tensor: "qint8", "qint16" where it is quantised, else its element type
/// ("float32", "int64"; "?" where it is unknown, "other" for a sequence or map).
struct ReportSlot {
  std::string name = {};  // of the tensor; empty: an input or output that is left out
  std::string dtype = {};
  std::optional<QuantSpec> spec = {};     // of a quantised tensor
  Role role = Role::kActivation;          // of a quantised tensor
  std::optional<float> fixed_scale = {};  // that the configuration gives
  bool constant = false;
  std::string because = {};  // of an input or output of the model that is float since it has no scale
  std::string producer =
      {};  // of an input: the node that makes it, "Split_3[1]" for a later output; else the tensor
};

struct ReportNode {
  std::string name;                   // as selectors know it
  std::string op;                     // "Conv"; "domain::Name" outside ONNX's own operators
  std::vector<std::string> absorbed;  // as Held::by
  std::string made_for;  // the user's node for which a replacement put this one in; empty: it is the user's
  int depth = 0;         // 0: of the main graph; 1: of a body of one of its nodes, ...
  Device device = Device::kCpu;
  std::optional<int> segment;  // which part of the BPU's share, see report/segments.h; none on the CPU
  std::optional<int> unit;     // nodes of one unit are one kernel
  std::vector<ReportSlot> inputs;
  std::vector<ReportSlot> outputs;
  std::optional<std::size_t> weight;     // which input is the weight
  bool feeds_output = false;             // an output of it is one of the model's
  bool passive = false;                  // it moves elements and computes nothing
  bool makes_int32 = true;               // the target, if it is known, can leave its sums as they are
  bool reads_data = true;                // its results depend on the numbers of the model's inputs
  std::optional<std::int64_t> macs = 0;  // see report/work.h; nullopt: sizes are unknown
  std::string device_because, output_because, weight_because;
  std::string remedy;     // what would bring it to the BPU; empty: nothing is known
  std::string undecided;  // what would have to be known to be sure that the BPU can run it
  std::vector<std::pair<std::string, std::string>> attributes;  // names and values as text
};

struct ReportSequence {
  std::string pattern;
  std::vector<std::pair<std::string, std::string>> nodes;  // name and operator
  std::string because;
  bool shared = false;  // the first node's result is read more than once
};

/// Batch norms that no layer took in, for one reason.
struct ReportStandingNorms {
  std::string because;  // sentences that differ in names only are one, with '...' for the names
  std::vector<std::string> nodes;
  bool foldable = false;               // a layer could take them in, but for what the configuration says
  std::vector<std::string> each = {};  // the sentence of each node; empty: that of all
};

/// What several nodes are together.
struct ReportGroup {
  enum class Kind {
    kSequence,   // a unit of the sequences that the target fuses
    kLayer,      // a unit of a layer and the Add that is its bias: nothing was fused
    kComposite,  // a unit of the nodes that spell out an operator
    kBlock       // no unit
  };

  std::string name;     // of the last node
  std::string pattern;  // "conv-add-relu", "LayerNormalization", "Attention"
  std::vector<std::string> nodes;
  Kind kind = Kind::kSequence;
  Device device = Device::kBpu;  // of a unit
};
/// "sequence", "layer and bias", "composite operator", "block".
std::string_view to_text(ReportGroup::Kind kind);

/// A node that adds two results of others: of a residual connection, for one.
struct ReportSum {
  std::string name;
  std::string unit = {};     // of the sequence that took it in, "conv-add-relu"; empty: it is a unit alone
  std::string layer = {};    // the first node of that sequence
  std::string because = {};  // why no sequence took it in
};

/// Units with a weight that end before the same operators, since no sequence goes on with these.
struct ReportEnd {
  std::string pattern;  // of the units: "conv-relu"; the operator of a layer alone
  std::vector<std::string>
      before;  // operators that read them, sorted: "PRelu", "SiLU"; "output": the model does
  std::vector<std::string> layers;  // the units' first nodes
};

/// A node of the user's file that is not in the model any more.
struct ReportGone {
  std::string name, op;
  std::string because;  // a clause whose subject it is: "was folded into 'conv1'"
};

/// A node of the user's file that is another operator now.
struct ReportBecame {
  std::string name, op;
  std::string now;      // the operator
  std::string because;  // "is a Conv now, by gemm-to-conv"
};

/// A border of the part of the graph that may be quantised, as far as the rules of head and tail and stubs
/// say: what lies within may be float for other reasons.
struct ReportBorder {
  /// A tensor there, with the node on the inner side: what reads it first, or makes it.
  struct Crossing {
    std::string tensor, node, op;
    std::string made_for;          // see ReportNode::made_for
    Device device = Device::kCpu;  // of the node
    std::string because;           // the rule or stub that the border is for; empty: the model begins or ends
  };

  bool begins = true;  // else the part ends there
  std::vector<Crossing> crossings;
  std::size_t beyond = 0;  // how many operators before or behind these tensors stay float
  std::size_t beside = 0;  // how many do on that side that none of these tensors comes from, or leads to
};

/// What may be quantised, as far as these rules say.
struct ReportRegion {
  std::vector<ReportBorder> borders;  // none: the whole graph may
  bool cpu_within = false;            // some that work on the model's data run on the CPU all the same
};

/// Nodes that a replacement was asked for, and left as they are for one reason; none where it is for no node.
struct ReportNotReplaced {
  std::string replacement;  // "gemm-to-conv"
  std::string because;      // sentences that differ in names only are one, with '...' for the names
  std::vector<std::string> nodes;
};

/// A composite operator that is one node of ONNX's operator in the models that are written.
struct ReportRewritten {
  std::string name;       // of that node
  std::string op;         // "LayerNormalization"
  std::string composite;  // what the nodes were recognised as
  std::vector<std::string> nodes;
  std::vector<std::string> folded = {};  // the user's nodes that were folded into one of `nodes`
};

/// A node that raising the operator set put in, in the models that are written.
struct ReportPutIn {
  std::string name, op;
  std::string made_for;  // the node that it helps
};

/// A constant that several nodes read as their weight, or one node of a body that runs several times: a
/// module with several calls.
struct SharedWeight {
  std::string name;
  std::vector<std::string> nodes;
  std::optional<std::int64_t> calls = 0;  // nullopt: a loop around a node runs as often as its data say
};

/// A Loop or Scan, whose body is a module that is called at each turn.
struct ReportLoop {
  std::string name, op;
  std::optional<std::int64_t> turns;  // nullopt: the model does not say
  std::vector<std::string> nodes;
};

struct Report {
  std::string model;
  std::string march;
  std::vector<ReportSlot> inputs, outputs;  // of the model
  std::vector<ReportNode> nodes;        // in graph order; the nodes of a body follow the node that holds it
  std::vector<ReportSequence> fusable;  // could have been one unit, and are not
  std::string fuses_nothing;            // as Plan::fuses_nothing
  std::vector<ReportStandingNorms> batch_norms;  // the foldable first, the most frequent reason first
  std::vector<ReportGroup> units;                // each runs as one kernel
  std::vector<ReportSum> sums;
  std::vector<ReportGroup> blocks;   // have a name only
  bool seeks_blocks = true;          // else nobody looked for any, since the method is eager
  std::vector<ReportEnd> ends;       // of the units that are the beginning of nothing in `fusable`
  std::vector<std::string> unnamed;  // nodes without a name in the file, as they are called here
  std::vector<ReportGone> gone;
  std::vector<ReportBecame> became;
  std::string sizes_remedy;  // how the sizes that the model leaves open can be given; empty: it leaves none
  std::vector<ReportNotReplaced> not_replaced;  // the most frequent first, those for no node last
  std::vector<SharedWeight> shared;
  std::vector<ReportLoop> loops;
  std::vector<AccumulatorRisk> accumulators;
  std::vector<NumericRisk> risks;  // without a calibration, those that need no data
  Calibrated calibrated;
  Sensitivity sensitivity;
  SensitivityAdvice sensitivity_advice;
  std::vector<Crossing> crossings;  // between the CPU and segments of the BPU
  ReportRegion region;
  std::vector<ReportRewritten> rewritten;  // known after the plan was made
  std::vector<ReportPutIn> put_in;         // the same
  std::vector<Diagnostic> diagnostics;
};

/// Given: the plan was made for this model, which is not yet rewritten by an acting pass. `model_name`: what
/// the report calls it. The diagnostics are the run's, all of them; set Report::diagnostics again if more
/// follow. `table`: what the target runs where; null: it is not known.
Report build_report(const Model& model, const Plan& plan, std::string model_name, std::string march,
                    std::span<const Diagnostic> diagnostics, const Capabilities* table = nullptr);

/// Result: where the report says that one of these tensors is quantised, it says float32 and why. For those
/// that the samples gave no scale. `because`: by the tensor's name in the report.
void leave_float(Report& report, const std::map<std::string, std::string, std::less<>>& because);

/// The contents of model_check_result.txt and model_check_result.json.
struct CheckResult {
  std::string text, json;
  std::string summary;  // what ends the text
};

/// Result: both files but for their ends, which report what the run did after the plan, and said. Reads
/// nothing of that, so that it can be made while the run goes on.
CheckResult check_result_of_plan(const Report& report);
/// Given: `result` is check_result_of_plan(report). Result: the files are whole.
void complete(CheckResult& result, const Report& report);

}  // namespace qprep
