#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "plan/plan.h"
#include "quant/scale.h"

namespace qprep {

struct Capabilities;

/// Something in the model's numbers that integer arithmetic serves badly.
struct NumericRisk {
  enum class Kind {
    kBias,         // round(b / (s_x s_w)) does not fit into int32; value: its size, in times of 2^31 - 1
    kRescale,      // s_x s_w / s_y, by which an accumulator becomes a result, is none of 2^-31..1; value: it
    kVanishing,    // weights that are not zero round to zero; value: how many of those of one channel, 0..1
    kOutlier,      // a channel's weights reach far beyond those of the median channel; value: how many times
    kCommonScale,  // of a tensor that has its scale in common: it uses few of the steps; value: how many
  };
  Kind kind = Kind::kBias;
  std::string node;  // the layer; of kCommonScale, who asked for one scale
  std::string tensor;
  double value = 0;
  double limit = 0;     // what the value would have to keep
  std::string because;  // a sentence with both numbers
  std::string remedy;
};

std::string_view to_text(NumericRisk::Kind kind);

/// The risks of the layers on the BPU. What the weights alone decide is known before data; the others where
/// the scales are: that the configuration gives, or of the ranges that a calibration saw.
///
/// The rescaling of an accumulator by a normalised int32 factor and a right shift of 0 to 31 bits is that of
/// Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
/// Inference" (CVPR 2018), 2.2; biases in int32 with the scale s_x s_w are of 2.4 there.
class NumericRisks {
 public:
  /// Given: the plan is decided, and no pass has acted on the model. Later both may change: the values must
  /// live on, and nothing else is read.
  /// `target`: what it runs in which precisions, which remedies keep to; null: nothing is known of it.
  NumericRisks(const Model& model, const Plan& plan, const Capabilities* target = nullptr);

  /// What samples showed of activations, by value: of each itself, and of all those together that have one
  /// scale with it.
  struct SeenRanges {
    std::unordered_map<const Value*, Range> own, of_scales;
    /// Of those with a scale for each channel.
    std::unordered_map<const Value*, std::vector<ChannelEnds>> of_channels = {};
  };
  /// In graph order. `seen`: null: no samples were.
  std::vector<NumericRisk> found(const SeenRanges* seen) const;

 private:
  struct Layer {
    std::string name;
    std::string weight;
    const Value* data = nullptr;       // null: it is not quantised
    const Value* result = nullptr;     // the same
    std::vector<float> weight_scales;  // of each output channel
    std::size_t groups = 1;            // of the data's channels, each of which makes as many outputs
    bool takes_int16 = true, makes_int16 = true;
    std::vector<double> bias_steps;  // |b_c| / s_w,c; empty: no bias
    std::vector<NumericRisk> known;  // of the weights alone
  };
  struct Held {
    Precision precision;
    std::optional<double> scale;  // where it is known without data
    bool per_channel = false;
  };
  struct Group {
    std::string asked_by;
    std::vector<const Value*> members;
  };

  void add_layer(const Node& node, const Plan& plan, const Capabilities* target);
  void know(const Value* value, const Plan& plan);
  std::vector<double> scales_of_tensor(const Value* value, const SeenRanges* seen) const;

  std::vector<Layer> layers_;
  std::vector<Group> groups_;
  std::unordered_map<const Value*, Held> tensors_;
};

/// "Numbers that integers serve badly, ...": by kind, with the nodes and the worst of them; empty for none.
std::string to_text(const std::vector<NumericRisk>& risks);
nlohmann::ordered_json to_json(const NumericRisk& risk);

}  // namespace qprep
