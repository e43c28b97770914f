#include <array>
#include <cmath>

#include "target/readers.h"

namespace qprep {
namespace {

Readings word(const NodeView& view, const char* attribute, const char* otherwise) {
  return Readings::of(view.node.string_or(attribute, otherwise));
}

Readings whole(const NodeView& view, const char* attribute, std::int64_t otherwise) {
  return Readings::of(Number(view.node.int_or(attribute, otherwise)));
}

/// The constant as float64, element by element.
std::optional<std::vector<double>> reals_of(const Value* value) {
  const Tensor* constant = value ? constant_of(*value) : nullptr;
  if (!constant) return std::nullopt;
  std::vector<double> reals;
  for (std::int64_t i = 0; i < constant->size(); ++i) {
    if (constant->dtype() == DType::kFloat32) {
      reals.push_back(static_cast<double>(constant->at<float>(i)));
    } else if (constant->dtype() == DType::kFloat64) {
      reals.push_back(constant->at<double>(i));
    } else {
      return std::nullopt;
    }
  }
  return reals;
}

}  // namespace

Readings read_attribute(const NodeView& view, const QuantityName& name) {
  const std::string missing = "attribute '" + name.attribute + "'";
  if (const auto* number = view.node.get<std::int64_t>(name.attribute)) return Readings::of(Number(*number));
  if (const auto* text = view.node.get<std::string>(name.attribute)) return Readings::of(*text);
  if (const auto* numbers = view.node.get<std::vector<std::int64_t>>(name.attribute)) {
    return Readings::numbers(*numbers);
  }
  return Readings::unknown(missing);
}

Readings read_mode(const NodeView& view, const QuantityName&) {
  const std::string& op = view.node.op();
  if (op == "DepthToSpace" || op == "SpaceToDepth") return word(view, "mode", "DCR");
  if (op == "Pad") return word(view, "mode", "constant");
  if (op == "GridSample") return word(view, "mode", "linear");
  return word(view, "mode", "nearest");
}

Readings read_padding_mode(const NodeView& view, const QuantityName&) {
  return word(view, "padding_mode", "zeros");
}

Readings read_coordinates(const NodeView& view, const QuantityName&) {
  const bool before_modes = view.node.is("Upsample") || view.situation.opset.value_or(11) < 11;
  return word(view, "coordinate_transformation_mode", before_modes ? "asymmetric" : "half_pixel");
}

Readings read_keepdims(const NodeView& view, const QuantityName&) { return whole(view, "keepdims", 1); }
Readings read_sorted(const NodeView& view, const QuantityName&) { return whole(view, "sorted", 1); }

Readings read_blocksize(const NodeView& view, const QuantityName&) {
  const auto* size = view.node.get<std::int64_t>("blocksize");
  return size ? Readings::of(Number(*size)) : Readings::unknown("the block size");
}

Readings read_opset(const NodeView& view, const QuantityName&) {
  return view.situation.opset ? Readings::of(Number(*view.situation.opset)) : Readings::unknown("the opset");
}

Readings read_fused(const NodeView& view, const QuantityName&) {
  return Readings::of(view.situation.fused, "whether it is fused");
}

Readings read_feeds_shortcut_add(const NodeView& view, const QuantityName&) {
  return Readings::of(view.situation.feeds_shortcut_add, "whether a shortcut Add follows");
}

Readings read_last_of_segment(const NodeView& view, const QuantityName&) {
  return Readings::of(view.situation.last_of_segment, "whether it is the last of its segment");
}

Readings read_model_output(const NodeView& view, const QuantityName&) {
  return Readings::of(view.node.output_count() > 0 && view.node.output(0).is_graph_output());
}

Readings read_crop_on_pixels(const NodeView& view, const QuantityName&) {
  const std::string missing = "the crop";
  const KnownShape shape = shape_of(view.node.input(0));
  const auto crop = reals_of(view.node.input(1));
  if (!shape || !crop || crop->size() != 2 * shape->size()) return Readings::unknown(missing);
  constexpr double kNearly = 1e-3;  // float32 holds thirds and the like with an error
  for (std::size_t i = 0; i < crop->size(); ++i) {
    const Dim& dim = (*shape)[i % shape->size()];
    if (!dim.known()) return Readings::unknown(missing_dim(missing, dim));
    const double bound = (*crop)[i] * static_cast<double>(dim.size - 1);
    if (!(std::abs(bound - std::round(bound)) <= kNearly)) return Readings::of(false);
  }
  return Readings::of(true);
}

}  // namespace qprep
