#include "report/numeric_risk.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

#include "ir/walk.h"
#include "report/page.h"
#include "report/table.h"
#include "target/capability.h"

namespace qprep {
namespace {

constexpr double kLargestBias = 2147483647.0;           // 2^31 - 1
constexpr double kSmallestFactor = 1.0 / 2147483648.0;  // 2^-31
constexpr double kMostVanishing = 0.5;
constexpr double kFarthestOutlier = 16;
constexpr double kFewestSteps = 32;
constexpr double kDeadChannel = 128.0 * kZeroRangeScale;  // no weight of it counts

/// A layer's weight by output channels: channel c has the elements i with (i / inner) % count == c.
struct Channels {
  std::size_t count = 1;
  std::size_t inner = 1;
};

/// Which axis of the weight counts what the node makes; its scales follow that axis, or nothing.
std::optional<std::size_t> output_axis(const Node& node, std::size_t rank) {
  if (rank < 2) return std::nullopt;
  if (node.is("Conv")) return 0;
  if (node.is("ConvTranspose")) return 1;
  if (node.is("MatMul")) return rank - 1;
  if (node.is("Gemm")) return node.int_or("transB", 0) != 0 ? 0 : 1;
  return std::nullopt;
}

Channels channels_along(std::size_t axis, const Dims& dims) {
  Channels channels{static_cast<std::size_t>(dims[axis]), 1};
  for (std::size_t i = axis + 1; i < dims.size(); ++i) channels.inner *= static_cast<std::size_t>(dims[i]);
  return channels;
}

/// What the weights of one channel are, in steps of their scale.
struct ChannelFacts {
  double largest = 0;         // |w|
  std::size_t vanishing = 0;  // not zero, but round(w / s) is
  std::size_t nonzero = 0;
};

std::vector<ChannelFacts> facts_of(const std::vector<float>& weights, const std::vector<float>& scales,
                                   const Channels& channels) {
  std::vector<ChannelFacts> facts(channels.count);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::size_t c = (i / channels.inner) % channels.count;
    const double size = std::abs(static_cast<double>(weights[i]));
    ChannelFacts& channel = facts[c];
    channel.largest = std::max(channel.largest, size);
    channel.nonzero += size > 0;
    channel.vanishing +=
        size > 0 && size < 0.5 * static_cast<double>(scales.size() == 1 ? scales[0] : scales[c]);
  }
  return facts;
}

/// The channel that loses most; nullopt: none loses more than kMostVanishing.
std::optional<NumericRisk> vanishing(const std::vector<ChannelFacts>& facts, const std::string& tensor,
                                     bool takes_int16) {
  const auto share = [](const ChannelFacts& channel) {
    return channel.nonzero == 0 || channel.largest <= kDeadChannel
               ? 0.0
               : static_cast<double>(channel.vanishing) / static_cast<double>(channel.nonzero);
  };
  const auto worst = std::ranges::max_element(facts, {}, share);
  const double value = worst == facts.end() ? 0.0 : share(*worst);
  if (value <= kMostVanishing) return std::nullopt;
  const auto others =
      std::ranges::count_if(facts, [&](const auto& each) { return share(each) > kMostVanishing; });
  NumericRisk risk;
  risk.kind = NumericRisk::Kind::kVanishing;
  risk.tensor = tensor;
  risk.value = value;
  risk.limit = kMostVanishing;
  risk.because =
      fmt::format("of the weights of channel {}, {:.0f} % of those that are not zero round to zero{}",
                  worst - facts.begin(), value * 100,
                  others > 1 ? fmt::format(", more than half in {} channels", others) : "");
  risk.remedy = fmt::format("{}no weight in the channel that is so much larger than the others",
                            takes_int16 ? "int16 weights, or " : "");
  return risk;
}

/// The channel that reaches farthest; nullopt: it does not reach kFarthestOutlier times as far as the median.
std::optional<NumericRisk> outlier(const std::vector<ChannelFacts>& facts, const std::string& tensor,
                                   bool one_scale, bool makes_int16) {
  std::vector<double> reach;
  for (const ChannelFacts& channel : facts) {
    if (channel.largest > kDeadChannel) reach.push_back(channel.largest);
  }
  if (reach.size() < 3) return std::nullopt;
  const auto middle = reach.begin() + static_cast<std::ptrdiff_t>(reach.size() / 2);
  std::ranges::nth_element(reach, middle);
  const auto worst = std::ranges::max_element(facts, {}, &ChannelFacts::largest);
  const double times = worst->largest / *middle;
  if (times <= kFarthestOutlier) return std::nullopt;
  NumericRisk risk;
  risk.kind = NumericRisk::Kind::kOutlier;
  risk.tensor = tensor;
  risk.value = times;
  risk.limit = kFarthestOutlier;
  risk.because =
      fmt::format("channel {} reaches {:.0f} times as far as the median channel, and {} has one scale",
                  worst - facts.begin(), times, one_scale ? "the weight" : "what the layer makes");
  risk.remedy = one_scale     ? "weights per channel"
                : makes_int16 ? "an int16 result, or channels of like size"
                              : "channels of like size";
  return risk;
}

/// The constant that the layer adds to its sums, by output channel; null: there is none.
const Tensor* bias_of(const Node& node, const Plan& plan) {
  if ((node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm")) && node.input(2)) {
    return constant_of(*node.input(2));
  }
  const Unit* unit = plan.unit_of(node);
  return unit && unit->bias ? constant_of(*unit->bias) : nullptr;
}

/// Whether the row lets the layer have it in int16, as every layer may that no row speaks of.
bool may_be_int16(const Capability* row, std::vector<DType> Capability::*precisions) {
  if (!row || row->runs == RunsOn::kQuantised) return true;
  return std::ranges::find(row->*precisions, DType::kInt16) != (row->*precisions).end();
}

/// `above`: the sums are too fine, else too coarse, for what the layer makes.
std::string rescale_remedy(bool above, bool takes_int16, bool makes_int16) {
  if (above) return takes_int16 ? "int8 for the result, or int16 for what it reads" : "int8 for the result";
  return makes_int16 ? "int16 for the result" : "a weight that is not all but zero";
}

double steps_on_one_side(Precision precision) {
  const QuantRange range = range_of(precision);
  return (static_cast<double>(range.max) - static_cast<double>(range.min)) / 2;
}

}  // namespace

std::string_view to_text(NumericRisk::Kind kind) {
  switch (kind) {
    case NumericRisk::Kind::kBias:
      return "bias";
    case NumericRisk::Kind::kRescale:
      return "rescale";
    case NumericRisk::Kind::kVanishing:
      return "vanishing weights";
    case NumericRisk::Kind::kOutlier:
      return "outlier channel";
    case NumericRisk::Kind::kCommonScale:
      return "common scale";
  }
  return "?";
}

NumericRisks::NumericRisks(const Model& model, const Plan& plan, const Capabilities* target) {
  for (const Node* node : nodes_with_bodies(*model.graph)) add_layer(*node, plan, target);
  for (const ScaleGroup& group : plan.scale_groups) {
    if (group.members.size() < 2) continue;
    for (const Value* member : group.members) know(member, plan);
    groups_.push_back({group.node->label(), group.members});
  }
}

void NumericRisks::know(const Value* value, const Plan& plan) {
  const Decision* decision = value ? plan.decision_of(*value) : nullptr;
  if (!decision || tensors_.contains(value)) return;
  Held tensor{decision->spec.precision, std::nullopt, decision->spec.channel_axis >= 0};
  const auto known = plan.known_scales.find(value);
  if (known != plan.known_scales.end() && known->second.scale.size() == 1) {
    tensor.scale = known->second.scale.to_vector<float>()[0];
  }
  tensors_.emplace(value, tensor);
}

void NumericRisks::add_layer(const Node& node, const Plan& plan, const Capabilities* target) {
  const NodePlan* decided = plan.of(node);
  const Value* weight = plan.weight_read_by(node);
  if (!decided || decided->device != Device::kBpu || !weight || !node.input(0)) return;
  const Tensor* elements = constant_of(*weight);
  const auto known = plan.known_scales.find(weight);
  if (!elements || elements->dtype() != DType::kFloat32 || known == plan.known_scales.end()) return;
  const auto axis = output_axis(node, elements->dims().size());
  if (!axis || elements->size() == 0) return;
  const Channels channels = channels_along(*axis, elements->dims());
  const std::vector<float> scales = known->second.scale.to_vector<float>();
  if (scales.size() != 1 && scales.size() != channels.count) return;

  const Capability* row = target ? target->of(node) : nullptr;
  Layer layer;
  layer.takes_int16 = may_be_int16(row, &Capability::input);
  layer.makes_int16 = may_be_int16(row, &Capability::output);
  layer.name = node.label();
  layer.weight = weight->name();
  layer.weight_scales = scales.size() == 1 ? std::vector<float>(channels.count, scales[0]) : scales;
  layer.groups = static_cast<std::size_t>(std::max<std::int64_t>(node.int_or("group", 1), 1));
  const auto root = [&](const Value* value) {
    const auto repeated = plan.same_as.find(value);
    const Value* found = repeated == plan.same_as.end() ? value : repeated->second;
    know(found, plan);
    return tensors_.contains(found) ? found : nullptr;
  };
  layer.data = decided->reads_quantised(0) ? root(node.input(0)) : nullptr;
  const Unit* unit = plan.unit_of(node);
  layer.result = root(unit ? &unit->nodes.back()->output(0) : &node.output(0));
  if (const Tensor* bias = bias_of(node, plan); bias && bias->dtype() == DType::kFloat32) {
    const std::vector<float> addends = bias->to_vector<float>();
    for (std::size_t c = 0; c < addends.size(); ++c) {
      const float scale = layer.weight_scales[c % layer.weight_scales.size()];
      layer.bias_steps.push_back(std::abs(static_cast<double>(addends[c])) / static_cast<double>(scale));
    }
  }
  const std::vector<ChannelFacts> facts = facts_of(elements->to_vector<float>(), scales, channels);
  for (auto risk : {vanishing(facts, layer.weight, may_be_int16(row, &Capability::weight)),
                    outlier(facts, layer.weight, scales.size() == 1, layer.makes_int16)}) {
    if (!risk) continue;
    const Held* result = layer.result ? &tensors_.at(layer.result) : nullptr;
    const bool wide = result && (result->precision == Precision::kInt16 || result->per_channel);
    if (risk->kind == NumericRisk::Kind::kOutlier && scales.size() > 1 && wide) continue;
    risk->node = layer.name;
    layer.known.push_back(std::move(*risk));
  }
  layers_.push_back(std::move(layer));
}

/// One, or one for each channel; empty: nothing is known.
std::vector<double> NumericRisks::scales_of_tensor(const Value* value, const SeenRanges* seen) const {
  if (!value) return {};
  const Held& tensor = tensors_.at(value);
  if (tensor.scale) return {*tensor.scale};
  if (!seen) return {};
  const auto range = seen->of_scales.find(value);
  if (range == seen->of_scales.end()) return {};
  const QuantRange integers = range_of(tensor.precision);
  const std::optional<float> whole = scale_of(range->second.magnitude(), integers);
  if (!whole) return {};
  const auto channels = seen->of_channels.find(value);
  if (!tensor.per_channel || channels == seen->of_channels.end()) return {static_cast<double>(*whole)};
  std::vector<double> scales;
  for (const ScaleAndZero& each : scales_for(channels->second, {*whole, 0}, {}, integers))
    scales.push_back(static_cast<double>(each.scale));
  return scales;
}

std::vector<NumericRisk> NumericRisks::found(const SeenRanges* seen) const {
  std::vector<NumericRisk> risks;
  for (const Layer& layer : layers_) {
    risks.insert(risks.end(), layer.known.begin(), layer.known.end());
    const std::vector<double> data = scales_of_tensor(layer.data, seen);
    const std::size_t outputs = layer.weight_scales.size();
    // Scales for channels are those of the groups (channel_scales.h), each of which makes as many outputs.
    if (data.empty() || (data.size() > 1 && data.size() != layer.groups)) continue;
    const auto data_scale = [&](std::size_t c) {
      return data[data.size() == 1 ? 0 : c * data.size() / outputs];
    };
    double bias = 0;
    std::size_t bias_channel = 0;
    for (std::size_t c = 0; c < layer.bias_steps.size(); ++c) {
      const double times = layer.bias_steps[c] / data_scale(c % outputs) / kLargestBias;
      if (times <= bias) continue;
      bias = times;
      bias_channel = c;
    }
    if (bias > 1) {
      risks.push_back(
          {NumericRisk::Kind::kBias, layer.name, layer.weight, bias, 1,
           fmt::format("the bias of channel {} is {:.2f} times what an int32 holds in steps of s_x * s_w",
                       bias_channel, bias),
           "int8 data or weights instead of int16, or a weight that is not all but zero"});
    }
    const std::vector<double> result = scales_of_tensor(layer.result, seen);
    if (result.empty() || (result.size() > 1 && result.size() != outputs)) continue;
    double smallest = std::numeric_limits<double>::infinity(), largest = 0;
    for (std::size_t c = 0; c < outputs; ++c) {
      const double factor =
          data_scale(c) * static_cast<double>(layer.weight_scales[c]) / result[result.size() == 1 ? 0 : c];
      smallest = std::min(smallest, factor);
      largest = std::max(largest, factor);
    }
    if (largest <= 1 && smallest >= kSmallestFactor) continue;
    const bool above = largest > 1;
    risks.push_back(
        {NumericRisk::Kind::kRescale, layer.name, layer.weight, above ? largest : smallest,
         above ? 1 : kSmallestFactor,
         above ? fmt::format("one step of its sums is {:.3g} steps of its result, finer than they can tell",
                             largest)
               : fmt::format("a step of its result is {:.3g} steps of its sums, more than a shift by 31 bits",
                             1 / smallest),
         rescale_remedy(above, layer.takes_int16, layer.makes_int16)});
  }
  for (const Group& group : groups_) {
    for (const Value* member : group.members) {
      if (!seen || !seen->own.contains(member)) continue;
      const double all = static_cast<double>(seen->of_scales.at(member).magnitude());
      const double own = static_cast<double>(seen->own.at(member).magnitude());
      const double steps =
          all > 0 ? own / all * steps_on_one_side(tensors_.at(member).precision) : kFewestSteps;
      if (steps >= kFewestSteps) continue;
      risks.push_back(
          {NumericRisk::Kind::kCommonScale, group.asked_by, member->name(), steps, kFewestSteps,
           fmt::format("'{}' reaches {:.4g}, and shares its scale with others that reach {:.4g}: it uses "
                       "{:.0f} steps on each side",
                       member->name(), own, all, steps),
           "same_scale: false, so that it is requantised"});
    }
  }
  return risks;
}

std::string to_text(const std::vector<NumericRisk>& risks) {
  struct Row {
    const NumericRisk* first;
    std::vector<std::string> nodes;
  };
  std::vector<Row> rows;
  for (const NumericRisk& risk : risks) {
    auto row = std::ranges::find_if(rows, [&](const Row& each) { return each.first->kind == risk.kind; });
    if (row == rows.end()) row = rows.insert(rows.end(), Row{&risk, {}});
    row->nodes.push_back(risk.node);
    const bool worse = risk.value / risk.limit > row->first->value / row->first->limit;
    if (worse != (risk.value < risk.limit)) row->first = &risk;
  }
  std::string text;
  for (const Row& row : rows) {
    text += fmt::format("  {} {}: {}\n    {}: {}\n    remedy: {}\n", row.nodes.size(),
                        to_text(row.first->kind), cell_text(first_of(row.nodes)), cell_text(row.first->node),
                        cell_text(row.first->because), row.first->remedy);
  }
  return text.empty() ? "" : "Numbers that integers serve badly, of each kind the worst:\n" + text;
}

nlohmann::ordered_json to_json(const NumericRisk& risk) {
  return {{"kind", to_text(risk.kind)}, {"node", risk.node},   {"tensor", risk.tensor},
          {"value", risk.value},        {"limit", risk.limit}, {"because", risk.because},
          {"remedy", risk.remedy}};
}

}  // namespace qprep
