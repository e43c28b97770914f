#include "quant/fake_quant.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <vector>

#include "ir/walk.h"
#include "quant/weight_scale.h"
#include "support/text.h"

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

constexpr std::size_t kAttributes = 8;
constexpr std::string_view kAsymmetric = "asymmetric", kPowerOfTwo = "power_of_two", kSmallest = "smallest=";

std::string attribute_of(const Scheme& scheme) {
  std::vector<std::string> words;
  if (!scheme.symmetric) words.emplace_back(kAsymmetric);
  if (scheme.power_of_two) words.emplace_back(kPowerOfTwo);
  if (scheme.smallest_scale > 0) words.push_back(fmt::format("{}{}", kSmallest, scheme.smallest_scale));
  return join(words, " ");
}

/// What the attribute and the range say of it. Result: whether the words are known.
bool read_scheme(std::string_view words, QuantRange range, Scheme& scheme) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    const std::string_view word = words.substr(0, end);
    words.remove_prefix(std::min(end + 1, words.size()));
    if (word == kAsymmetric) {
      scheme.symmetric = false;
    } else if (word == kPowerOfTwo) {
      scheme.power_of_two = true;
    } else if (word.starts_with(kSmallest)) {
      const std::string number(word.substr(kSmallest.size()));
      scheme.smallest_scale = std::strtof(number.c_str(), nullptr);
      if (!std::isfinite(scheme.smallest_scale)) return false;
    } else {
      return false;
    }
  }
  if (scheme.range != Scheme::Range::kWhole) return true;
  const std::int32_t values = range.max - range.min + 1;
  if (values == 128) scheme.range = Scheme::Range::kSevenBits;
  if (scheme.is_signed && range.min == -range.max) scheme.range = Scheme::Range::kNarrow;
  return true;
}

/// quant_min and quant_max as the function takes them; all nodes share the payloads.
std::pair<Tensor, Tensor> limits_of(const QuantSpec& spec) {
  const auto make = [](QuantRange range) {
    return std::pair(Tensor::scalar(static_cast<float>(range.min)),
                     Tensor::scalar(static_cast<float>(range.max)));
  };
  static const auto of_int8 = make(range_of(Precision::kInt8));
  static const auto of_int16 = make(range_of(Precision::kInt16));
  const bool usual = spec.scheme.is_signed && spec.scheme.range == Scheme::Range::kWhole;
  return !usual ? make(range_of(spec)) : spec.precision == Precision::kInt16 ? of_int16 : of_int8;
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
  const std::optional<QuantSpec> spec = spec_from(dtype);
  if (!spec) {
    return no(why, fmt::format("its dtype '{}' is not known", dtype));
  }
  const auto low = integer_in(node, "quant_min"), high = integer_in(node, "quant_max");
  if (!low || !high || *low >= *high)
    return no(why, "its quant_min and quant_max are not a range of integers");
  attrs.spec = *spec;
  const std::string scheme = node.string_or(kSchemeAttribute, "");
  if (!read_scheme(scheme, {*low, *high}, attrs.spec.scheme)) {
    return no(why, fmt::format("its scheme '{}' is not known", scheme));
  }
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
  become_fake_quantize(node, spec, calibrated);
  node.output(0).set_type(x.type());
  return node;
}

void become_fake_quantize(Node& node, const QuantSpec& spec, bool calibrated) {
  const auto [quant_min, quant_max] = limits_of(spec);
  node.reserve_attributes(kAttributes);
  node.set_attribute("averaging_constant", spec.averaging_constant);
  node.set_attribute("ch_axis", spec.channel_axis);
  node.set_attribute("dtype", std::string(to_text(spec)));
  node.set_attribute("observer", spec.observer);
  node.set_attribute("quant_max", quant_max);
  node.set_attribute("quant_min", quant_min);
  if (const std::string scheme = attribute_of(spec.scheme); !scheme.empty()) {
    node.set_attribute(std::string(kSchemeAttribute), scheme);
  }
  set_calibrated(node, calibrated);
}

ScaleAndZeroPoint unset_scale() {
  static const ScaleAndZeroPoint unset{Tensor::scalar(1.0F),
                                       Tensor::of<std::int32_t>(DType::kInt32, {}, {0})};
  return unset;
}

ScaleAndZeroPoint unset_scale(const Type& of, std::int64_t channel_axis) {
  if (channel_axis < 0) return unset_scale();
  const std::int64_t channels = of.shape->at(static_cast<std::size_t>(channel_axis)).size;
  const Dims dims = channel_dims(of.shape->size(), channel_axis, channels);
  const auto count = static_cast<std::size_t>(channels);
  return {Tensor::floats(dims, std::vector<float>(count, 1.0F)),
          Tensor::of<std::int32_t>(DType::kInt32, dims, std::vector<std::int32_t>(count, 0))};
}

void set_calibrated(Node& node, bool calibrated) {
  node.set_op(std::string(kFakeQuantizeOp), std::string(calibrated ? kComputes : kObserves));
  node.set_attribute("state", std::string(calibrated ? "quantise" : "observe"));
}

}  // namespace qprep
