#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "ir/numbered.h"
#include "plan/reason.h"
#include "support/diagnostics.h"

/// What the deciding passes write and the acting passes read. Nothing here changes a graph.
namespace qprep {

class NodeSettings;
struct Setting;

/// Number formats of a slot. Words in configs and reports: "qint8", "qint16", "qint32", "float32".
enum class Precision { kFloat32, kInt8, kInt16, kInt32 };

std::string_view to_text(Precision precision);
/// Accepts the words above, "int8" and "int16" for the q-forms, and "float" for float32.
std::optional<Precision> precision_from(std::string_view word);
/// The words that precision_from accepts for an activation or weight, in the order to list them in a message.
std::vector<std::string> precision_words();

/// Smallest and largest integer of a quantised precision: -128..127, -32768..32767.
struct QuantRange {
  std::int32_t min = 0;
  std::int32_t max = 0;
};
QuantRange range_of(Precision precision);

/// How real numbers become the integers of a precision: which of them, and what their scale and zero point
/// may be. The default is what Horizon's targets take: all signed integers, zero point 0, any scale.
struct Scheme {
  enum class Range {
    kWhole,
    kNarrow,     // without the smallest integer, so that it is symmetric: -127..127
    kSevenBits,  // one bit less, so that sums of two products fit 16 bits: -64..63
    kFourBits,   // -8..7
  };
  bool is_signed = true;
  bool symmetric = true;      // the zero point is 0; else the range of the data decides it
  bool power_of_two = false;  // the scale is the nearest power of two
  Range range = Range::kWhole;
  float smallest_scale = 0;

  friend bool operator==(const Scheme&, const Scheme&) = default;
};
/// "unsigned, asymmetric, scale a power of two"; empty: the default.
std::string to_text(const Scheme& scheme);

/// How one tensor is quantised. A value type; two equal specs mean the same numbers.
struct QuantSpec {
  Precision precision = Precision::kInt8;
  Scheme scheme = {};
  std::int64_t channel_axis = -1;    // -1 = per tensor
  std::string observer = "min_max";  // as the report and the FakeQuantize node name it
  float averaging_constant = 0.01F;

  friend bool operator==(const QuantSpec&, const QuantSpec&) = default;
};

/// What a quantised tensor is to those that read it.
enum class Role { kActivation, kConstant, kWeight };

/// A tensor gets a FakeQuantize of this spec, because of that.
struct Decision {
  QuantSpec spec;
  Reason because;
  Role role = Role::kActivation;
  bool takes_output = false;  // the value is an output of the graph: the quantised one takes its place
  bool fixed = false;         // the configuration gives the scale: it is active, and nothing is observed
};

/// scale (float32) and zero_point (int32) that are known before calibration, shaped for broadcasting: of a
/// constant, from its numbers; of any tensor, as the configuration gives them.
struct KnownScale {
  Tensor scale;
  Tensor zero_point;
};

/// What the numbers of a constant are, so that its payload is read once.
struct ConstantFacts {
  double min = 0, max = 0;  // of the finite elements
  double smallest = 0;      // the smallest |element| that is not zero; 0 if all are
  bool finite = true;       // no NaN, no infinity
  bool has_zero = false;
};

QuantRange range_of(const QuantSpec& spec);
/// "qint8", "quint8", "qint4": as FakeQuantize nodes and the report say it.
std::string_view to_text(const QuantSpec& spec);
/// The precision and the signedness and range of such a word; nullopt: it is none.
std::optional<QuantSpec> spec_from(std::string_view word);

enum class Device { kBpu, kCpu };
std::string_view to_text(Device device);

/// The nodes that the target runs as one kernel, in graph order: nothing inside is quantised.
struct Unit {
  std::string pattern;  // "conv-add-relu", "LayerNormalization"; the operator for a unit of one node
  std::vector<const Node*> nodes;
  const Value* bias = nullptr;  // a constant that an Add of the head adds to each channel: stays float
  /// What enters a composite operator as data, as its nodes read it. Everything else that they read from
  /// outside is a parameter of it and stays float. Empty for any other unit.
  std::vector<const Value*> operands = {};
  bool bounded = false;  // of a composite operator: the result is small whatever enters
  /// Constants that a composite operator inside a sequence reads: stay float. Empty for any other unit.
  std::vector<const Value*> parameters = {};
  /// Of a sequence: what its later nodes add, as they read it.
  std::vector<const Value*> addends = {};
  /// Why the target runs it on the CPU, whatever is configured; empty: it may run quantised.
  std::string on_cpu = {};

  /// The nodes spell out one operator, which `pattern` names.
  bool is_composite() const { return !operands.empty(); }
};

/// Nodes that spell out something with a name, in graph order. Nothing hangs on it but the report: they are
/// quantised, and belong to units, as if it was not there.
struct Block {
  std::string name;  // "Attention", "PixelShuffle"
  std::vector<const Node*> nodes;
};

/// A sequence that could have been one unit, and why it is not.
struct Miss {
  std::string pattern;
  std::vector<const Node*> nodes;
  std::string because;
};

/// What one node reads and makes with one scale in common, as far as it can have one.
struct ScaleGroup {
  const Node* node = nullptr;
  const Setting* asked_by = nullptr;    // of the plan's settings
  std::vector<const Value*> members;    // the result first; less than two: nobody has a scale in common
  std::vector<std::string> stay_apart;  // "'x' (qint16)": who cannot, and is requantised
};

/// An activation for which a scale for each channel was asked and that has one for all.
struct OneScale {
  const Value* value = nullptr;
  const Setting* asked_by = nullptr;  // of the plan's settings
  std::string because;                // "Conv 'conv2' sums over its channels"
};

struct NodePlan {
  Device device = Device::kCpu;
  Reason device_because;
  bool by_target = false;       // the target cannot run it on the BPU
  std::string remedy;           // what would bring it to the BPU; empty: nothing is known
  std::string undecided;        // what would have to be known to be sure that the BPU can run it
  Reason output_because;        // why the outputs are quantised as they are, or are not
  Reason weight_because;        // empty: no weight
  bool passive = false;         // it moves elements and computes nothing
  bool high_precision = false;  // it makes what settings of kHighPrecision speak of
  int unit = -1;                // index in Plan::units
  /// The inputs that read quantised numbers, ascending: through the FakeQuantize of their tensor, or what a
  /// passive operator hands on of one. The others read the float tensor.
  std::vector<std::size_t> quantised_inputs = {};

  bool reads_quantised(std::size_t input) const;
};

/// Keyed by node and by value; iterate the graph, never these maps.
struct Plan {
  Numbered<Node, NodePlan> nodes;
  Numbered<Value, Decision> values;  // the tensors that get a FakeQuantize: activations and constants
  /// What the model's own FakeQuantize, QuantizeLinear and DequantizeLinear nodes make: how it is quantised.
  Numbered<Value, Decision> carried;
  /// Values that need none since a passive operator hands on what is quantised already: to that quantised
  /// value.
  Numbered<Value, const Value*> same_as;
  Numbered<Value, Reason> not_quantised;     // why a float tensor stays float
  Numbered<Value, KnownScale> known_scales;  // of constants and fixed ones in `values`
  /// Of several values that have one scale in common: to the first of them, which is in there too.
  Numbered<Value, const Value*> shared_scales;
  std::vector<ScaleGroup> scale_groups;      // those that settings for a node ask for, in graph order
  std::vector<OneScale> one_scale;           // in graph order
  Numbered<Value, ConstantFacts> constants;  // those that a pass looked at
  std::vector<Unit> units;
  std::vector<Miss> misses;
  std::string fuses_nothing;  // "the configuration fuses nothing (...)"; empty: it lets something be fused
  std::vector<Block> blocks;
  std::shared_ptr<const NodeSettings> settings;  // the configuration, folded over the nodes

  const NodePlan* of(const Node& node) const;
  /// null: it is in none.
  const Unit* unit_of(const Node& node) const;
  /// Why the value is quantised, or float; null: its elements are not quantised.
  const Reason* reason_of(const Value& value) const;
  /// The input that the node reads as a quantised weight; null: there is none.
  const Value* weight_read_by(const Node& node) const;
  /// What a node of the model that quantises the value makes of it, or made it; null: there is none.
  const Decision* carried_for(const Value& value) const;
  /// The decision that holds for the value, its own or that of the value it repeats; null: float.
  const Decision* decision_of(const Value& value) const;
};

}  // namespace qprep
