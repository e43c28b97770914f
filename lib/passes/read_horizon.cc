#include "passes/read_horizon.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <string>
#include <utility>
#include <vector>

#include "ir/walk.h"
#include "passes/constants.h"
#include "quant/fake_quant.h"
#include "quant/weight_scale.h"
#include "support/codes.h"

namespace qprep {
namespace {

constexpr std::string_view kDomain = "horizon";
constexpr std::int64_t kWholeTensor = 1;  // the axis of a single scale

bool is_vendors(const Node& node, std::string_view op) { return node.domain() == kDomain && node.op() == op; }

const Tensor* constant_input(const Node& node, std::size_t i) {
  return i < node.input_count() && node.input(i) ? constant_of(*node.input(i)) : nullptr;
}

bool same_constants(const Node& a, const Node& b, std::size_t i) {
  const Tensor* one = constant_input(a, i);
  const Tensor* other = constant_input(b, i);
  return one && other && one->dtype() == other->dtype() && one->dims() == other->dims() &&
         std::ranges::equal(one->bytes(), other->bytes());
}

bool are_scales(const Tensor& scale) {
  if (scale.dtype() != DType::kFloat32 || scale.size() == 0) return false;
  const std::vector<float> all = scale.to_vector<float>();
  return std::all_of(all.begin(), all.end(), [](float each) { return std::isfinite(each) && each > 0; });
}

bool is_zero(const Tensor& zero_point) {
  return std::ranges::all_of(zero_point.bytes(), [](std::byte each) { return each == std::byte{0}; });
}

class Pair {
 public:
  explicit Pair(Node& dequantise) : dequantise_(dequantise) {}

  /// Why it stays; empty: it is a FakeQuantize now.
  std::string convert(std::vector<Value*>& replaced) {
    Value* integers = dequantise_.input_count() == 3 ? dequantise_.input(0) : nullptr;
    quantise_ = integers ? integers->producer() : nullptr;
    if (!quantise_ || !is_vendors(*quantise_, "HzQuantize") || quantise_->input_count() != 3 ||
        !quantise_->input(0)) {
      return "no HzQuantize makes what it reads";
    }
    if (!integers->has_single_use() || integers->is_graph_output()) return "its integers are read elsewhere";
    if (!same_constants(*quantise_, dequantise_, 1) || !are_scales(*constant_input(dequantise_, 1)))
      return "it and its HzQuantize have no constant scales in common";
    if (!same_constants(*quantise_, dequantise_, 2) || !is_zero(*constant_input(dequantise_, 2)))
      return "its zero points are not 0";
    const std::int64_t bits = quantise_->int_or("bits", 8);
    if (bits != 8 && bits != 16) return fmt::format("its bits are {}", bits);
    spec_.precision = bits == 16 ? Precision::kInt16 : Precision::kInt8;
    spec_.observer = "fixed";
    return become(*constant_input(dequantise_, 1), replaced);
  }

  bool waits_for_rank() const { return waits_for_rank_; }

 private:
  std::string become(const Tensor& scale, std::vector<Value*>& replaced) {
    Value& x = *quantise_->input(0);
    Dims dims;
    const std::int64_t axis = dequantise_.int_or("axis", kWholeTensor);
    const std::optional<std::size_t> rank = x.type().rank();
    if (scale.size() > 1 || (axis != kWholeTensor && rank)) {
      waits_for_rank_ = !rank;
      if (!rank) return "it has scales for channels of a tensor of unknown rank";
      if (axis < 0 || axis >= static_cast<std::int64_t>(*rank)) return fmt::format("its axis is {}", axis);
      spec_.channel_axis = axis;
      dims = channel_dims(*rank, axis, scale.size());
    }
    const std::vector<float> scales = scale.to_vector<float>();
    const std::vector<std::int32_t> zeros(scales.size(), 0);
    replaced.insert(replaced.end(),
                    {dequantise_.input(1), dequantise_.input(2), quantise_->input(1), quantise_->input(2)});
    dequantise_.erase_attribute("axis");
    dequantise_.set_input(0, &x);
    quantise_->graph().erase(*quantise_);
    set_constant_input(dequantise_, 1, Tensor::floats(dims, scales), x.name() + "_scale");
    set_constant_input(dequantise_, 2, Tensor::of<std::int32_t>(DType::kInt32, dims, zeros),
                       x.name() + "_zero_point");
    become_fake_quantize(dequantise_, spec_, true);
    if (dequantise_.output(0).type().kind == Type::Kind::kUnknown) dequantise_.output(0).set_type(x.type());
    return "";
  }

  Node& dequantise_;
  Node* quantise_ = nullptr;
  QuantSpec spec_;
  bool waits_for_rank_ = false;
};

std::vector<Node*> vendors_nodes(Graph& graph) {
  std::vector<Node*> nodes;
  for (Node& node : graph.nodes()) {
    if (is_vendors(node, "HzDequantize")) nodes.push_back(&node);
    for (Graph* body : node.bodies()) {
      const std::vector<Node*> inside = vendors_nodes(*body);
      nodes.insert(nodes.end(), inside.begin(), inside.end());
    }
  }
  return nodes;
}

}  // namespace

HorizonPairs read_horizon(Model& model, Diagnostics& diagnostics) {
  HorizonPairs pairs;
  if (model.opset() < kFakeQuantizeOpset) return pairs;
  std::vector<Value*> replaced;
  for (Node* node : vendors_nodes(*model.graph)) {
    Pair pair(*node);
    const std::string why = pair.convert(replaced);
    pairs.wait_for_ranks = pairs.wait_for_ranks || pair.waits_for_rank();
    if (why.empty()) {
      pairs.read = true;
    } else {
      diagnostics.note(codes::kStaysFloat,
                       fmt::format("HzDequantize '{}' stays as it is: {}", node->label(), why));
    }
  }
  if (!pairs.read) return pairs;
  std::ranges::sort(replaced);
  const auto repeated = std::ranges::unique(replaced);
  replaced.erase(repeated.begin(), repeated.end());
  erase_unused_initializers(replaced);
  update_fake_quantize_functions(model);
  const std::vector<const Node*> left = nodes_with_bodies(std::as_const(*model.graph));
  if (std::none_of(left.begin(), left.end(), [](const Node* node) { return node->domain() == kDomain; }))
    model.opsets.erase(std::string(kDomain));
  return pairs;
}

}  // namespace qprep
