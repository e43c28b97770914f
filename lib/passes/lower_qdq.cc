#include "passes/lower_qdq.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "ir/walk.h"
#include "passes/constants.h"
#include "passes/keep_unfused.h"
#include "passes/requantise_moved.h"
#include "quant/fake_quant.h"
#include "quant/fake_quant_math.h"
#include "support/codes.h"

namespace qprep {
namespace {

constexpr std::int64_t kPerTensorOpset = 10;
constexpr std::int64_t kPerChannelOpset = 13;
constexpr std::int64_t kInt16Opset = 21;
constexpr std::string_view kContrib = "com.microsoft";  // has int16 in every operator set
constexpr std::string_view kHorizonDomain = "horizon";

bool is_int16(const FakeQuantAttrs& attrs) { return attrs.spec.precision == Precision::kInt16; }

DType dtype_of(const FakeQuantAttrs& attrs) {
  if (attrs.spec.scheme.is_signed) return is_int16(attrs) ? DType::kInt16 : DType::kInt8;
  return is_int16(attrs) ? DType::kUInt16 : DType::kUInt8;
}

/// One element needs no axis, wherever it stands: it holds for the whole tensor.
bool is_per_channel(const FakeQuantParams& params) { return params.scale->size() > 1; }

template <typename Integer>
Tensor narrowed(const Tensor& zero_point, DType dtype, Dims dims) {
  std::vector<Integer> values;
  for (const std::int32_t zero : zero_point.to_vector<std::int32_t>()) {
    values.push_back(static_cast<Integer>(zero));
  }
  return Tensor::of<Integer>(dtype, std::move(dims), std::move(values));
}

Tensor zero_point_of(const Tensor& zero_point, DType dtype, const Dims& dims) {
  switch (dtype) {
    case DType::kUInt8:
      return narrowed<std::uint8_t>(zero_point, dtype, dims);
    case DType::kInt16:
      return narrowed<std::int16_t>(zero_point, dtype, dims);
    case DType::kUInt16:
      return narrowed<std::uint16_t>(zero_point, dtype, dims);
    default:
      return narrowed<std::int8_t>(zero_point, dtype, dims);
  }
}

enum class Operators { kOnnx, kHorizon };

class Lowering {
 public:
  Lowering(Model& model, Operators operators, Diagnostics& diagnostics)
      : model_(model), operators_(operators), diagnostics_(diagnostics) {}

  void run() {
    for (Node* node : fake_quantize_nodes(*model_.graph)) lower(*node);
    erase_unused_initializers(replaced_);
    for (const std::string& domain : domains_) model_.opsets.try_emplace(domain, 1);
    update_fake_quantize_functions(model_);
    if (operators_ != Operators::kOnnx) return;
    requantise_moved(model_);
    keep_unfused(model_);
  }

 private:
  void lower(Node& node) {
    std::string why = "it has no input";
    const std::optional<FakeQuantAttrs> attrs = node.input(0) ? read_fake_quantize(node, &why) : std::nullopt;
    if (!attrs) return fail(node, why);
    if (!attrs->calibrated) return remove(node);
    const std::optional<FakeQuantParams> params = params_of_fake_quantize(node, *attrs, &why);
    if (!params) return fail(node, why);
    QuantSpec stored = attrs->spec;
    stored.scheme.range = Scheme::Range::kWhole;
    const QuantRange whole = range_of(stored);
    const bool is_whole = attrs->range.min == whole.min && attrs->range.max == whole.max;
    if (!is_whole && !bound(node, *attrs, *params)) {
      return fail(node, fmt::format("its range {} to {} is not all of {}, which QuantizeLinear always uses",
                                    attrs->range.min, attrs->range.max, to_text(stored)));
    }
    replace(node, *attrs, *params);
  }

  /// A constant whose integers lie in a part of the type: from here on it is the numbers that these stand
  /// for, so that QuantizeLinear, which knows no such part, makes the same integers. Result: whether it is
  /// one.
  bool bound(Node& node, const FakeQuantAttrs& attrs, const FakeQuantParams& params) {
    Value& x = *node.input(0);
    const Tensor* constant = constant_of(x);
    if (!constant || constant->dtype() != DType::kFloat32) return false;
    const auto axis = static_cast<std::size_t>(std::max<std::int64_t>(attrs.spec.channel_axis, 0));
    if (is_per_channel(params) && axis >= constant->dims().size()) return false;
    const std::vector<float> before = constant->to_vector<float>();
    std::vector<float> after(before.size());
    const std::vector<float> scales = params.scale->to_vector<float>();
    const std::vector<std::int32_t> zeros = params.zero_point->to_vector<std::int32_t>();
    if (is_per_channel(params)) {
      fake_quantize_per_channel(before, after, constant->dims(), axis, scales, zeros, attrs.range);
    } else {
      fake_quantize(before, after, {scales.front(), zeros.front(), attrs.range});
    }
    if (x.initializer()) replaced_.push_back(&x);
    node.set_input(
        0, &outermost(node.graph())
                .new_initializer(x.name() + "_bounded", Tensor::floats(constant->dims(), std::move(after))));
    return true;
  }

  void fail(const Node& node, const std::string& why) {
    diagnostics_.error(
        codes::kFakeQuantize,
        fmt::format("FakeQuantize node '{}' cannot become QuantizeLinear: {}", node.label(), why));
  }

  void replace(Node& node, const FakeQuantAttrs& attrs, const FakeQuantParams& params) {
    const bool horizon = operators_ == Operators::kHorizon;
    if (horizon && !(attrs.spec.scheme.is_signed && attrs.spec.scheme.symmetric)) {
      return fail(node, "HzQuantize knows signed integers with zero point 0 alone");
    }
    const DType dtype = dtype_of(attrs);
    const std::string domain = domain_for(attrs);
    if (!domain.empty()) domains_.insert(domain);
    Value& x = *node.input(0);
    set_parameters(node, params, dtype);

    Graph& graph = node.graph();
    const std::string quantise = horizon ? "HzQuantize" : "QuantizeLinear";
    const std::string dequantise = horizon ? "HzDequantize" : "DequantizeLinear";
    Node& quantize = graph.insert(&node, {.op = quantise,
                                          .inputs = node.inputs(),
                                          .outputs = {x.name() + "_quantized"},
                                          .name = x.name() + "_" + quantise,
                                          .domain = domain});
    quantize.output(0).set_type(Type::tensor(dtype, x.type().shape));
    node.set_input(0, &quantize.output(0));
    node.set_op(dequantise, domain);
    erase_attributes(node);
    if (is_per_channel(params) || horizon) {
      const std::int64_t axis = attrs.spec.channel_axis >= 0 ? attrs.spec.channel_axis : 1;
      quantize.set_attribute("axis", axis);
      node.set_attribute("axis", axis);
    }
    if (horizon) quantize.set_attribute("bits", std::int64_t{is_int16(attrs) ? 16 : 8});
    node.set_name(graph.names().nodes.fresh(x.name() + "_" + dequantise));
    node.set_label(node.name());
  }

  std::string domain_for(const FakeQuantAttrs& attrs) const {
    if (operators_ == Operators::kHorizon) return std::string(kHorizonDomain);
    return is_int16(attrs) && model_.opset() < kInt16Opset ? std::string(kContrib) : "";
  }

  /// The scale without the dims that broadcasting needed, and the zero point as `dtype`.
  void set_parameters(Node& node, const FakeQuantParams& params, DType dtype) {
    const bool has_axis = is_per_channel(params) || operators_ == Operators::kHorizon;
    const Dims dims = has_axis ? Dims{params.scale->size()} : Dims{};
    const Tensor scale(DType::kFloat32, dims, params.scale->bytes(), params.scale->owner());
    Tensor zero = zero_point_of(*params.zero_point, dtype, dims);
    replaced_.insert(replaced_.end(), {node.input(1), node.input(2)});
    const std::string tensor = node.input(0)->name();
    if (params.scale->dims() != dims) set_constant_input(node, 1, scale, tensor + "_scale");
    set_constant_input(node, 2, std::move(zero), tensor + "_zero_point");
  }

  static void erase_attributes(Node& node) {
    for (const std::string_view attribute : kFakeQuantizeAttributes) node.erase_attribute(attribute);
    node.erase_attribute(kSchemeAttribute);
  }

  /// The tensor is float from here on.
  void remove(Node& node) {
    Value& x = *node.input(0);
    Value& y = node.output(0);
    diagnostics_.note(codes::kStaysFloat,
                      fmt::format("tensor '{}' stays float: it is not calibrated", x.name()));
    for (std::size_t i = 1; i < node.input_count(); ++i) {
      if (node.input(i)) replaced_.push_back(node.input(i));
    }
    Graph& graph = node.graph();
    graph.replace_uses(y, x);
    if (!y.is_graph_output()) return graph.erase(node);
    if (&x.graph() == &graph && !x.is_graph_input() && !x.initializer() && !x.is_graph_output()) {
      const auto outputs = graph.outputs();
      graph.redirect_output(static_cast<std::size_t>(std::ranges::find(outputs, &y) - outputs.begin()), x);
      return graph.erase(node);
    }
    node.truncate_inputs(1);
    erase_attributes(node);
    node.set_op("Identity");
  }

  Model& model_;
  Operators operators_;
  Diagnostics& diagnostics_;
  std::vector<Value*> replaced_;  // scales and zero points that may be unused now
  std::set<std::string> domains_;
};

}  // namespace

std::int64_t opset_for_qdq(const Model& model) {
  std::int64_t opset = kPerTensorOpset;
  for (Node* node : fake_quantize_nodes(*model.graph)) {
    const std::optional<FakeQuantAttrs> attrs = read_fake_quantize(*node);
    if (!attrs || !attrs->calibrated) continue;
    const std::optional<FakeQuantParams> params = params_of_fake_quantize(*node, *attrs);
    if (params && is_per_channel(*params)) return kPerChannelOpset;
  }
  return opset;
}

void lower_qdq(Model& model, Diagnostics& diagnostics) {
  if (model.opset() < opset_for_qdq(model)) {
    throw std::logic_error("lower_qdq: the model's operator set is too old");
  }
  Lowering(model, Operators::kOnnx, diagnostics).run();
}

void lower_to_horizon(Model& model, Diagnostics& diagnostics) {
  Lowering(model, Operators::kHorizon, diagnostics).run();
}

}  // namespace qprep
