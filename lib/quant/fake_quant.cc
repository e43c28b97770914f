#include "quant/fake_quant.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "ir/walk.h"
#include "quant/weight_scale.h"

namespace qprep {
namespace {

constexpr std::string_view kComputes = "qprep", kObserves = "qprep.observe";

/// Puts the reason where the caller wants it; returns what "no" is everywhere here.
std::nullopt_t no(std::string* why, std::string reason) {
  if (why) *why = std::move(reason);
  return std::nullopt;
}

std::optional<std::int32_t> integer_in(const Node& node, std::string_view attribute) {
  const Tensor* tensor = node.get<Tensor>(attribute);
  if (!tensor || tensor->dtype() != DType::kFloat32 || tensor->size() != 1) return std::nullopt;
  const float value = tensor->at<float>(0);
  if (!(std::fabs(value) <= 65536.0F) || value != std::trunc(value)) return std::nullopt;
  return static_cast<std::int32_t>(value);
}

/// The one axis, counted from the front of x, that scales of `dims` belong to; -1 for a single scale; nullopt
/// if they do not lie along one axis.
std::optional<std::int64_t> axis_of(const Dims& dims, std::size_t rank_of_x) {
  std::int64_t axis = -1;
  if (dims.size() > rank_of_x) return std::nullopt;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 1) continue;
    if (axis >= 0) return std::nullopt;
    axis = static_cast<std::int64_t>(rank_of_x - dims.size() + i);
  }
  return axis;
}

void collect_fake_quantize(Graph& graph, std::vector<Node*>& found) {
  for (Node& node : graph.nodes()) {
    if (is_fake_quantize(node)) found.push_back(&node);
    for (Graph* body : node.bodies()) collect_fake_quantize(*body, found);
  }
}

constexpr std::size_t kAttributes = 7;

/// quant_min and quant_max as the function takes them; all nodes share the payloads.
std::pair<Tensor, Tensor> limits_of(Precision precision) {
  const auto make = [](QuantRange range) {
    return std::pair(Tensor::scalar(static_cast<float>(range.min)),
                     Tensor::scalar(static_cast<float>(range.max)));
  };
  static const auto of_int8 = make(range_of(Precision::kInt8));
  static const auto of_int16 = make(range_of(Precision::kInt16));
  return precision == Precision::kInt8    ? of_int8
         : precision == Precision::kInt16 ? of_int16
                                          : make(range_of(precision));
}

bool is_scale(float value) { return std::isfinite(value) && value > 0.0F; }

}  // namespace

bool is_fake_quantize(const Node& node) {
  return node.op() == kFakeQuantizeOp && (node.domain() == kComputes || node.domain() == kObserves);
}

std::vector<Node*> fake_quantize_nodes(Graph& graph) {
  std::vector<Node*> found;
  collect_fake_quantize(graph, found);
  return found;
}

std::optional<FakeQuantAttrs> read_fake_quantize(const Node& node, std::string* why) {
  FakeQuantAttrs attrs;
  const std::string dtype = node.string_or("dtype", "");
  const std::optional<Precision> precision = precision_from(dtype);
  if (!precision || *precision == Precision::kFloat32) {
    return no(why, fmt::format("its dtype '{}' is not known", dtype));
  }
  const auto low = integer_in(node, "quant_min"), high = integer_in(node, "quant_max");
  if (!low || !high || *low >= *high)
    return no(why, "its quant_min and quant_max are not a range of integers");
  attrs.spec.precision = *precision;
  attrs.spec.channel_axis = node.int_or("ch_axis", -1);
  if (attrs.spec.channel_axis < -1) return no(why, fmt::format("its ch_axis is {}", attrs.spec.channel_axis));
  attrs.spec.observer = node.string_or("observer", attrs.spec.observer);
  attrs.spec.averaging_constant = node.float_or("averaging_constant", attrs.spec.averaging_constant);
  attrs.range = {*low, *high};
  attrs.calibrated = node.domain() == kComputes;
  return attrs;
}

std::optional<FakeQuantParams> params_of_fake_quantize(const Node& node, const FakeQuantAttrs& attrs,
                                                       std::string* why) {
  if (node.input_count() != 3 || !node.input(0) || !node.input(1) || !node.input(2)) {
    return no(why, "it does not have the three inputs x, scale and zero_point");
  }
  FakeQuantParams params{constant_of(*node.input(1)), constant_of(*node.input(2))};
  if (!params.scale || params.scale->dtype() != DType::kFloat32)
    return no(why, "its scale is no float32 constant");
  if (!params.zero_point || params.zero_point->dtype() != DType::kInt32) {
    return no(why, "its zero_point is no int32 constant");
  }
  const Dims& dims = params.scale->dims();
  const std::int64_t count = params.scale->size();
  if (count == 0 || params.zero_point->size() != count) {
    return no(why, "its zero_point does not have as many elements as its scale");
  }
  const std::int64_t axis = attrs.spec.channel_axis;
  const auto lies_along = axis_of(dims, node.input(0)->type().rank().value_or(dims.size()));
  if (!lies_along || (count > 1 && *lies_along != axis)) {
    return no(why, fmt::format("its scale does not lie along ch_axis {}", axis));
  }
  for (std::int64_t i = 0; i < count; ++i) {
    if (!is_scale(params.scale->at<float>(i))) {
      return no(why, fmt::format("its scale is {}", params.scale->at<float>(i)));
    }
    const std::int32_t zero = params.zero_point->at<std::int32_t>(i);
    if (zero < attrs.range.min || zero > attrs.range.max) {
      return no(why, fmt::format("its zero_point is {}", zero));
    }
  }
  return params;
}

Node& insert_fake_quantize(Graph& graph, Node* before, Value& x, const QuantSpec& spec, Tensor scale,
                           Tensor zero_point, bool calibrated) {
  Graph& outer = outermost(graph);
  Value& s = outer.new_initializer(x.name() + "_scale", std::move(scale));
  Value& z = outer.new_initializer(x.name() + "_zero_point", std::move(zero_point));
  return insert_fake_quantize(graph, before, x, spec, s, z, calibrated);
}

Node& insert_fake_quantize(Graph& graph, Node* before, Value& x, const QuantSpec& spec, Value& scale,
                           Value& zero_point, bool calibrated) {
  Node& node = graph.insert(before, {.op = std::string(kFakeQuantizeOp),
                                     .inputs = {&x, &scale, &zero_point},
                                     .outputs = {x.name() + "_fq"}});
  const auto [quant_min, quant_max] = limits_of(spec.precision);
  node.reserve_attributes(kAttributes);
  node.set_attribute("averaging_constant", spec.averaging_constant);
  node.set_attribute("ch_axis", spec.channel_axis);
  node.set_attribute("dtype", std::string(to_text(spec.precision)));
  node.set_attribute("observer", spec.observer);
  node.set_attribute("quant_max", quant_max);
  node.set_attribute("quant_min", quant_min);
  set_calibrated(node, calibrated);
  node.output(0).set_type(x.type());
  return node;
}

ScaleAndZeroPoint unset_scale() {
  static const ScaleAndZeroPoint unset{Tensor::scalar(1.0F),
                                       Tensor::of<std::int32_t>(DType::kInt32, {}, {0})};
  return unset;
}

void set_calibrated(Node& node, bool calibrated) {
  node.set_op(std::string(kFakeQuantizeOp), std::string(calibrated ? kComputes : kObserves));
  node.set_attribute("state", std::string(calibrated ? "quantise" : "observe"));
}

}  // namespace qprep
