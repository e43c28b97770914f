#include "passes/fill_scales.h"

#include <fmt/format.h>

#include "passes/constants.h"
#include "quant/fake_quant.h"
#include "quant/weight_scale.h"
#include "support/codes.h"

namespace qprep {
namespace {

class Filler {
 public:
  Filler(const Ranges& ranges, Diagnostics& diagnostics) : ranges_(ranges), diagnostics_(diagnostics) {}

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
    if (attrs.spec.channel_axis >= 0)
      return stays_float(node, "activations have one scale, not one a channel");
    const std::string& tensor = node.input(0)->name();
    const auto at = ranges_.find(tensor);
    const Range range = at == ranges_.end() ? Range() : at->second;
    if (const std::string why = no_scale_because(range, attrs.range); !why.empty())
      return stays_float(node, why);
    if (range.min == range.max) {
      diagnostics_.note(
          codes::kOddRange,
          fmt::format("tensor '{}' was {} in every sample; its scale comes from that", tensor, range.min));
    }
    return calibrated(node, Tensor::scalar(scale_of(range.magnitude(), attrs.range).value()),
                      unset_scale().zero_point);
  }

  bool stays_float(const Node& node, const std::string& because) {
    left_float_.emplace_back(node.input(0), because);
    diagnostics_.warning(codes::kOddRange,
                         fmt::format("tensor '{}' stays float: {}", node.input(0)->name(), because));
    return false;
  }

  static bool calibrated(Node& node, Tensor scale, Tensor zero_point) {
    const std::string& tensor = node.input(0)->name();
    set_constant_input(node, 1, std::move(scale), tensor + "_scale");
    set_constant_input(node, 2, std::move(zero_point), tensor + "_zero_point");
    set_calibrated(node, true);
    return true;
  }

  const Ranges& ranges_;
  Diagnostics& diagnostics_;
  std::vector<std::pair<const Value*, std::string>> left_float_;
};

}  // namespace

std::string no_scale_because(const Range& range, QuantRange quantised) {
  if (!range.seen()) return "no sample computed it";
  if (!range.all_finite()) {
    return fmt::format("the samples gave it {} NaN and {} infinite elements", range.nan, range.infinite);
  }
  if (range.magnitude() == 0.0F) return "it was 0 in every sample";
  if (scale_of(range.magnitude(), quantised)) return "";
  return fmt::format("its range {} to {} leaves no float32 scale", range.min, range.max);
}

FilledScales fill_scales(Model& model, const Ranges& ranges, Diagnostics& diagnostics) {
  Filler filler(ranges, diagnostics);
  FilledScales filled;
  for (Node* node : fake_quantize_nodes(*model.graph)) {
    if (filler.fill(*node)) ++filled.calibrated;
  }
  update_fake_quantize_functions(model);
  filled.left_float = filler.take_left_float();
  return filled;
}

}  // namespace qprep
