#include "passes/channel_scales.h"

#include <algorithm>
#include <fmt/format.h>
#include <string>

#include "ir/walk.h"
#include "passes/weight_decisions.h"
#include "plan/because.h"

namespace qprep {
namespace {

constexpr std::size_t kAxis = 1;

class Channels {
 public:
  Channels(const DataFlow& flow, const QuantisedNodes& nodes, const Plan& plan)
      : flow_(flow), nodes_(nodes), plan_(plan) {}

  /// Why the tensor has one scale, as the end of a sentence; empty: each channel can have its own.
  std::string objection(const Value& value) {
    deciders_ = {};
    if (plan_.shared_scales.contains(&value)) return "it has its scale in common with other tensors";
    if (const Node* holder = value.graph().holder())
      return fmt::format("it is in a body of {}", name_of(*holder));
    const std::optional<Shape>& shape = value.type().shape;
    if (!shape) return "its shape is not known";
    if (shape->size() < 3) return fmt::format("it has {} axes, and channels need 3", shape->size());
    const Dim& channels = (*shape)[kAxis];
    if (!channels.known()) return "the number of its channels (axis 1) is not known";
    if (channels.size < 2) return "it has one channel (axis 1)";
    if (shape->size() == 3 && !is_of_convolutions(value)) {
      return "no convolution makes or reads it, so that its axis 1 counts steps rather than channels";
    }
    std::string why = objection_of_maker(value);
    return why.empty() ? objection_of_readers(value) : why;
  }

  /// Given: objection() was called. What makes its neighbours read and make floats or integers; no words of
  /// its own.
  const Reason& deciders() const { return deciders_; }

 private:
  bool is_convolution(const Node& node) const {
    const OpTraits& traits = flow_.traits(node);
    return traits.op_class == OpClass::kGemmLike && traits.channels_apart;
  }

  bool is_of_convolutions(const Value& value) const {
    const Node* maker = value.producer();
    const Unit* unit = maker ? plan_.unit_of(*maker) : nullptr;
    if (maker && is_convolution(unit ? *unit->nodes.front() : *maker)) return true;
    return std::ranges::any_of(
        value.uses(), [this](const Use& use) { return flow_.knows(*use.node) && is_convolution(*use.node); });
  }

  std::string objection_of_maker(const Value& value) {
    const Node* maker = value.producer();
    if (!maker) return "";
    if (!nodes_.computing.contains(maker)) {
      if (const NodePlan* decided = plan_.of(*maker)) deciders_.add(decided->device_because);
      return "";
    }
    const Unit* unit = plan_.unit_of(*maker);
    if (unit && unit->is_composite()) return fmt::format("{} makes it with one scale", name_of(*unit));
    for (const Node* node : unit ? unit->nodes : std::vector<const Node*>{maker}) {
      if (!flow_.traits(*node).channels_apart)
        return fmt::format("{} makes it with one scale", name_of(*node));
    }
    return "";
  }

  std::string objection_of_readers(const Value& value) {
    for (const Use& use : value.uses()) {
      const NodePlan* reader = plan_.of(*use.node);
      if (!flow_.knows(*use.node) || !reader) continue;
      std::string why = objection_of_reader(value, *use.node, use.input, *reader);
      if (!why.empty()) return why;
    }
    return "";
  }

  std::string objection_of_reader(const Value& value, const Node& node, std::size_t input,
                                  const NodePlan& reader) {
    const OpTraits& traits = flow_.traits(node);
    const bool quantised = reader.reads_quantised(input);
    if (is_control_flow(node)) return quantised ? fmt::format("{} takes it into a body", name_of(node)) : "";
    if (traits.op_class == OpClass::kPassive && traits.is_data(input)) {
      if (quantised && !keeps_channels(value, node)) {
        return fmt::format("{} hands it on with one scale", name_of(node));
      }
      return objection_of_readers(node.output(0));
    }
    if (!nodes_.computing.contains(&node)) {
      // It reads floats, and somebody may have said so.
      deciders_.add(reader.device_because);
      return "";
    }
    if (!quantised) return "";
    deciders_.add(plan_.settings->winner(node, Slot::kOutput));
    const Unit* unit = plan_.unit_of(node);
    if (unit && unit->is_composite()) return fmt::format("{} takes it with one scale", name_of(*unit));
    if (traits.op_class == OpClass::kGemmLike && traits.channels_apart) {
      const bool apart = input == 0 && traits.weight && weight_of(flow_, node, *traits.weight) &&
                         node.int_or("group", 1) == (*value.type().shape)[kAxis].size;
      return apart ? "" : fmt::format("{} sums over its channels", name_of(node));
    }
    return keeps_channels(value, node) ? "" : fmt::format("{} takes it with one scale", name_of(node));
  }

  /// Channel c of the result comes from channel c of the value alone.
  bool keeps_channels(const Value& value, const Node& node) const {
    if (!flow_.traits(node).channels_apart) return false;
    const std::optional<Shape>& before = value.type().shape;
    const std::optional<Shape>& after = node.output(0).type().shape;
    return after && after->size() == before->size() && (*after)[kAxis].known() &&
           (*after)[kAxis].size == (*before)[kAxis].size;
  }

  const DataFlow& flow_;
  const QuantisedNodes& nodes_;
  const Plan& plan_;
  Reason deciders_;
};

}  // namespace

void settle_channel_scales(const DataFlow& flow, const QuantisedNodes& nodes,
                           std::span<const ChannelsAsked> asked, Plan& plan) {
  Channels channels(flow, nodes, plan);
  for (const ChannelsAsked& each : asked) {
    const auto planned = plan.values.find(each.value);
    if (planned == plan.values.end()) continue;
    Decision& decision = planned->second;
    std::string why = channels.objection(*each.value);
    if (why.empty()) {
      decision.spec.channel_axis = kAxis;
      decision.because.append(
          because("; {} of axis {} ({})", to_text(each.setting->says), kAxis, *each.setting));
      decision.because.add(channels.deciders());
    } else {
      decision.because.append(fmt::format("; one scale: {} ({})", why, to_text(*each.setting)));
      decision.because.add(channels.deciders());
      plan.one_scale.push_back({each.value, each.setting, std::move(why)});
    }
  }
}

bool has_channel_scales(const Plan& plan) {
  return std::any_of(plan.values.begin(), plan.values.end(), [](const auto& each) {
    return each.second.role == Role::kActivation && each.second.spec.channel_axis >= 0;
  });
}

}  // namespace qprep
