#include "passes/weight_decisions.h"

#include <fmt/format.h>
#include <utility>
#include <vector>

#include "passes/target_judge.h"
#include "passes/weights.h"
#include "plan/because.h"
#include "quant/weight_scale.h"

namespace qprep {
namespace {

/// A node that reads a weight.
struct Reader {
  const Node* node;
  std::int64_t axis;    // of its output channels; -1: none
  std::string no_axis;  // why
};

Reader reader_of(const DataFlow& flow, const Node& node, const Value& value, const Value& root) {
  const Dims& dims = constant_of(root)->dims();
  if (&value != &root) {
    return {&node, -1, fmt::format("it passes {} on its way", name_of(*flow.of(value).through))};
  }
  const std::int64_t axis = channel_axis(node, flow.traits(node), dims);
  return {&node, axis, axis < 0 ? fmt::format("no axis of it counts channels of {}", name_of(node)) : ""};
}

/// Reads by nodes that take the constant as data, not as their weight.
const Node* other_arithmetic(const DataFlow& flow, const Value& root) {
  for (const Use& use : root.uses()) {
    const Node& node = *use.node;
    if (!flow.knows(node) || !flow.traits(node).is_data(use.input)) continue;
    const OpClass op_class = flow.traits(node).op_class;
    const bool weight = flow.traits(node).weight == use.input;
    if (op_class == OpClass::kPassive || op_class == OpClass::kActive ||
        (op_class == OpClass::kGemmLike && !weight)) {
      return &node;
    }
  }
  return nullptr;
}

/// The axis that all agree on; else -1 and why.
std::pair<std::int64_t, std::string> common_axis(const std::vector<Reader>& readers, const Node* other) {
  const Reader& first = readers.front();
  for (const Reader& reader : readers) {
    if (reader.axis < 0) return {-1, reader.no_axis};
    if (reader.axis != first.axis) {
      return {-1, fmt::format("{} counts channels along axis {} and {} along axis {}", name_of(*first.node),
                              first.axis, name_of(*reader.node), reader.axis)};
    }
  }
  if (other) return {-1, fmt::format("{} reads it as data", name_of(*other))};
  return {first.axis, ""};
}

const Setting& setting_for(const std::vector<Reader>& readers, const NodeSettings& settings) {
  const Setting* found = &settings.winner(*readers.front().node, Slot::kWeight);
  for (const Reader& reader : readers) {
    found = &NodeSettings::first_of(*found, settings.winner(*reader.node, Slot::kWeight));
  }
  return *found;
}

/// Without the setting, which holds for the weight, it would be float by another setting, or by one that
/// names its readers instead of all.
bool keeps(const Setting& setting, const std::vector<Reader>& readers, const NodeSettings& settings) {
  const bool is_float = setting.precision() == Precision::kFloat32;
  if (is_float && setting.names_nodes()) return false;
  std::vector<const Node*> nodes;
  for (const Reader& reader : readers) nodes.push_back(reader.node);
  const Setting* next = settings.runner_up(nodes, Slot::kWeight, setting);
  return next && next->precision() == Precision::kFloat32 && (!is_float || next->names_nodes());
}

/// What else than the precision was said of the weight by any of its readers.
const Setting* said_of(const std::vector<Reader>& readers, const NodeSettings& settings, Aspect aspect) {
  const Setting* found = nullptr;
  for (const Reader& reader : readers) {
    found = NodeSettings::first_of(found, settings.find(*reader.node, Slot::kWeight, aspect));
  }
  return found;
}

std::string described(const std::vector<Reader>& readers, std::int64_t axis, const Reason& no_axis,
                      const Setting& dtype, const Setting* per_channel, std::size_t zero_channels) {
  std::string text = fmt::format("weight of {}", name_of(*readers.front().node));
  if (readers.size() > 1) text += fmt::format(" and {} more", readers.size() - 1);
  text += axis < 0 ? fmt::format(", per tensor since {}", no_axis.text)
                   : fmt::format(", per channel of axis {}", axis);
  if (axis >= 0 && per_channel && to_text(*per_channel) != to_text(dtype))
    text += fmt::format(" as {} says", *per_channel);
  if (zero_channels > 0) {
    text += axis < 0 ? ", all zeros, with scale 2^-23"
                     : fmt::format(", {} of the channels all zeros, with scale 2^-23", zero_channels);
  }
  return text;
}

/// Result: the precision is one that the target has for the weight; why it is not what was asked for, as the
/// end of a reason, or nothing.
std::string narrow(const std::vector<Reader>& readers, const TargetJudge& target, Precision& precision) {
  if (precision == Precision::kInt8) return "";
  for (const Reader& reader : readers) {
    if (target.weighs(*reader.node, precision)) continue;
    const std::string why = fmt::format("; qint8, since {} has no weight in {} for {}", target.march(),
                                        to_text(precision), name_of(*reader.node));
    precision = Precision::kInt8;
    return why;
  }
  return "";
}

}  // namespace

const Value* weight_of(const DataFlow& flow, const Node& node, std::size_t input) {
  const OpTraits& traits = flow.traits(node);
  if (traits.op_class != OpClass::kGemmLike || traits.weight != input || !node.input(input)) return nullptr;
  const Value* root = flow.of(*node.input(input)).root;
  const Tensor* tensor = constant_of(*root);
  return tensor && tensor->dtype() == DType::kFloat32 ? root : nullptr;
}

WeightDecisions decide_weights(const DataFlow& flow, const NodeSettings& settings, const TargetJudge& target,
                               Plan& plan) {
  WeightDecisions result;
  std::vector<const Value*> weights;
  std::unordered_map<const Value*, std::vector<Reader>> readers;
  for (const Node* node : flow.nodes()) {
    const auto input = flow.traits(*node).weight;
    const Value* root = input ? weight_of(flow, *node, *input) : nullptr;
    if (!root) continue;
    if (readers[root].empty()) weights.push_back(root);
    readers[root].push_back(reader_of(flow, *node, *node->input(*input), *root));
  }

  for (const Value* weight : weights) {
    const Setting& setting = setting_for(readers[weight], settings);
    if (keeps(setting, readers[weight], settings)) result.keepers.emplace(weight, &setting);
    if (setting.precision() == Precision::kFloat32) {
      if (setting.names_nodes()) {
        result.refused.emplace(weight, because("{}", setting));
      } else {
        result.left.emplace(weight, because("weights stay float ({})", setting));
      }
      continue;
    }
    auto [axis, mixed] = common_axis(readers[weight], other_arithmetic(flow, *weight));
    Reason no_axis = std::move(mixed);
    const Setting* per_channel = said_of(readers[weight], settings, Aspect::kPerChannel);
    if (per_channel && !std::get<PerChannel>(per_channel->says).value) {
      axis = -1;
      no_axis = because("{}", *per_channel);
    }
    QuantSpec spec;
    spec.precision = setting.precision();
    const std::string narrowed = narrow(readers[weight], target, spec.precision);
    spec.channel_axis = axis;
    const QuantSpec usual;
    Reason besides;
    const auto say = [&besides](const Setting& said) {
      besides.append(because("; {} ({})", to_text(said.says), said));
    };
    if (per_channel) besides.add(*per_channel);
    if (const Setting* observer = said_of(readers[weight], settings, Aspect::kObserver)) {
      spec.observer = std::get<ObserverName>(observer->says).name;
      spec.observer == usual.observer ? besides.add(*observer) : say(*observer);
    }
    if (const Setting* averaging = said_of(readers[weight], settings, Aspect::kAveragingConstant)) {
      spec.averaging_constant = std::get<AveragingConstant>(averaging->says).value;
      spec.averaging_constant == usual.averaging_constant ? besides.add(*averaging) : say(*averaging);
    }
    settle_scheme(said_of(readers[weight], settings, Aspect::kScheme),
                  said_of(readers[weight], settings, Aspect::kPowerOfTwo), spec, besides);
    std::string why;
    auto scale = weight_scale(*constant_of(*weight), spec, &why);
    if (!scale) {
      result.refused.emplace(weight, std::move(why));
      continue;
    }
    const std::string what =
        described(readers[weight], axis, no_axis, setting, per_channel, scale->zero_channels.size());
    result.decisions.emplace(
        weight, Decision{spec, because("{} ({}){}{}", what, setting, besides, narrowed), Role::kWeight});
    plan.known_scales.emplace(weight, KnownScale{std::move(scale->scale), std::move(scale->zero_point)});
  }
  return result;
}

}  // namespace qprep
