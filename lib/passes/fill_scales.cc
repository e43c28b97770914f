#include "passes/fill_scales.h"

#include <algorithm>
#include <fmt/format.h>

#include "passes/constants.h"
#include "quant/fake_quant.h"
#include "quant/weight_scale.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

class Filler {
 public:
  Filler(const ValueRanges& ranges, const ValueChannels& channels, const ValueRanges& seen,
         Diagnostics& diagnostics)
      : ranges_(ranges), channels_(channels), seen_(seen), diagnostics_(diagnostics) {}

  /// Result: whether the node is calibrated now and was not before.
  bool fill(Node& node) {
    std::string why;
    const std::optional<FakeQuantAttrs> attrs = read_fake_quantize(node, &why);
    if (!attrs || !node.input(0)) {
      diagnostics_.error(codes::kFakeQuantize, fmt::format("FakeQuantize node '{}' cannot be calibrated: {}",
                                                           node.label(), attrs ? "it has no input" : why));
      return false;
    }
    if (attrs->calibrated) return false;
    const Tensor* constant = constant_of(*node.input(0));
    return constant ? fill_from_constant(node, attrs->spec, *constant) : fill_from_range(node, *attrs);
  }

  std::vector<std::pair<const Value*, std::string>> take_left_float() { return std::move(left_float_); }

 private:
  bool fill_from_constant(Node& node, const QuantSpec& spec, const Tensor& constant) {
    const auto rank = static_cast<std::int64_t>(constant.dims().size());
    if (constant.dtype() != DType::kFloat32) return stays_float(node, "it is no float32 constant");
    if (spec.channel_axis >= rank) {
      return stays_float(node, fmt::format("it has no axis {}", spec.channel_axis));
    }
    std::string why;
    std::optional<WeightScale> weight = weight_scale(constant, spec, &why);
    if (!weight) return stays_float(node, why);
    return calibrated(node, std::move(weight->scale), std::move(weight->zero_point));
  }

  bool fill_from_range(Node& node, const FakeQuantAttrs& attrs) {
    const std::string& tensor = node.input(0)->name();
    const Range range = range_of_input(node);
    const auto known = seen_.find(node.input(0));
    const Range& seen = known == seen_.end() ? range : known->second;
    if (const std::string why = no_scale_because(range, attrs.range, seen); !why.empty())
      return stays_float(node, why);
    if (range.min == range.max && seen.min != seen.max) {
      diagnostics_.warning(codes::kOddRange,
                           fmt::format("of the range {} to {} of tensor '{}', its method leaves {} to {}",
                                       seen.min, seen.max, tensor, range.min, range.max));
    } else if (range.min == range.max) {
      diagnostics_.note(
          codes::kOddRange,
          fmt::format("tensor '{}' was {} in every sample; its scale comes from that", tensor, range.min));
    }
    const auto found = scale_for(range.min, range.max, attrs.spec.scheme, attrs.range);
    if (!found)
      return stays_float(node, fmt::format("its range {} to {} leaves no scale", range.min, range.max));
    if (attrs.spec.channel_axis >= 0) return fill_channels(node, attrs, *found);
    return calibrated(node, Tensor::scalar(found->scale),
                      found->zero_point == 0
                          ? unset_scale().zero_point
                          : Tensor::of<std::int32_t>(DType::kInt32, {}, {found->zero_point}));
  }

  /// `whole`: what one scale would be.
  bool fill_channels(Node& node, const FakeQuantAttrs& attrs, const ScaleAndZero& whole) {
    const std::vector<ChannelEnds> channels = channels_of_input(node);
    const std::optional<std::size_t> rank = node.input(0)->type().rank();
    const std::int64_t axis = attrs.spec.channel_axis;
    if (channels.empty() || !rank || axis >= static_cast<std::int64_t>(*rank)) {
      return stays_float(node, fmt::format("nothing is known of its channels (axis {})", axis));
    }
    std::vector<float> scales;
    std::vector<std::int32_t> zero_points;
    for (const ScaleAndZero& each : scales_for(channels, whole, attrs.spec.scheme, attrs.range)) {
      scales.push_back(each.scale);
      zero_points.push_back(each.zero_point);
    }
    const Dims dims = channel_dims(*rank, axis, static_cast<std::int64_t>(channels.size()));
    return calibrated(node, Tensor::floats(dims, std::move(scales)),
                      Tensor::of<std::int32_t>(DType::kInt32, dims, std::move(zero_points)));
  }

  bool stays_float(const Node& node, const std::string& because) {
    left_float_.emplace_back(node.input(0), because);
    return false;
  }

  bool calibrated(Node& node, Tensor scale, Tensor zero_point) {
    const std::string& tensor = node.input(0)->name();
    set_parameter(node, 1, std::move(scale), tensor + "_scale");
    set_parameter(node, 2, std::move(zero_point), tensor + "_zero_point");
    set_calibrated(node, true);
    return true;
  }

  Range range_of_input(const Node& node) const {
    const auto at = ranges_.find(node.input(0));
    return at == ranges_.end() ? Range() : at->second;
  }

  std::vector<ChannelEnds> channels_of_input(const Node& node) const {
    const auto at = channels_.find(node.input(0));
    return at == channels_.end() ? std::vector<ChannelEnds>() : at->second;
  }

  /// Nodes that share the parameter, and whose tensors have one range, go on sharing it.
  void set_parameter(Node& node, std::size_t input, Tensor tensor, const std::string& wanted) const {
    Value* shared = node.input(input);
    const Range range = range_of_input(node);
    const auto is_alike = [&](const Use& use) {
      return use.input == input && is_fake_quantize(*use.node) && range_of_input(*use.node) == range &&
             channels_of_input(*use.node) == channels_of_input(node);
    };
    if (shared && shared->initializer() && !shared->is_graph_input() && shared->uses().size() > 1 &&
        std::all_of(shared->uses().begin(), shared->uses().end(), is_alike)) {
      return shared->graph().set_initializer(*shared, std::move(tensor));
    }
    set_constant_input(node, input, std::move(tensor), wanted);
  }

  const ValueRanges& ranges_;
  const ValueChannels& channels_;
  const ValueRanges& seen_;
  Diagnostics& diagnostics_;
  std::vector<std::pair<const Value*, std::string>> left_float_;
};

/// Of some tensors each by itself, of many with one reason together.
void tell_of(const std::vector<std::pair<const Value*, std::string>>& left_float, Diagnostics& diagnostics) {
  constexpr std::size_t kMost = 3;
  std::vector<std::pair<std::string, std::vector<std::string>>> by_reason;
  for (const auto& [value, because] : left_float) {
    auto known = std::find_if(by_reason.begin(), by_reason.end(),
                              [&](const auto& each) { return each.first == because; });
    if (known == by_reason.end()) known = by_reason.insert(known, {because, {}});
    known->second.push_back(value->name());
  }
  for (const auto& [because, names] : by_reason) {
    if (names.size() <= kMost) {
      for (const std::string& name : names)
        diagnostics.warning(codes::kOddRange, fmt::format("tensor '{}' stays float: {}", name, because));
      continue;
    }
    const std::vector<std::string> first(names.begin(), names.begin() + kMost);
    diagnostics.warning(codes::kOddRange,
                        fmt::format("{} tensors stay float, '{}' and {} more; of each: {}", names.size(),
                                    join(first, "', '"), names.size() - kMost, because));
  }
}

}  // namespace

std::string no_scale_because(const Range& range, QuantRange quantised, const Range& seen) {
  if (!range.seen()) return "no sample computed it";
  if (!range.all_finite()) {
    return fmt::format("the samples gave it {} NaN and {} infinite elements", range.nan, range.infinite);
  }
  if (range.magnitude() == 0.0F && seen.magnitude() > 0.0F)
    return fmt::format("of its range {} to {}, its method leaves 0 to 0", seen.min, seen.max);
  if (range.magnitude() == 0.0F) return "it was 0 in every sample";
  if (scale_of(range.magnitude(), quantised)) return "";
  return fmt::format("its range {} to {} leaves no float32 scale", range.min, range.max);
}

FilledScales fill_scales(Model& model, const Ranges& ranges, Diagnostics& diagnostics) {
  ValueRanges by_value;
  for (const Node* node : fake_quantize_nodes(*model.graph)) {
    const auto range = node->input(0) ? ranges.find(node->input(0)->name()) : ranges.end();
    if (range != ranges.end()) by_value.emplace(node->input(0), range->second);
  }
  return fill_scales(model, by_value, diagnostics);
}

FilledScales fill_scales(Model& model, const ValueRanges& ranges, Diagnostics& diagnostics, FillWhich which,
                         const ValueChannels& channels, const ValueRanges& seen) {
  const std::vector<Node*> nodes = fake_quantize_nodes(*model.graph);
  Filler filler(ranges, channels, seen, diagnostics);
  FilledScales filled;
  for (Node* node : nodes) {
    const bool reads_constant = node->input(0) && constant_of(*node->input(0));
    if (which != FillWhich::kAll && reads_constant != (which == FillWhich::kConstants)) continue;
    if (filler.fill(*node)) ++filled.calibrated;
  }
  update_fake_quantize_functions(model);
  filled.left_float = filler.take_left_float();
  tell_of(filled.left_float, diagnostics);
  return filled;
}

}  // namespace qprep
