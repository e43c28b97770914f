#include "passes/foldable_constant.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "passes/constant_facts.h"
#include "passes/linear_layer.h"

namespace qprep {
namespace {

/// data + constant, data * constant, and what is as good as that.
struct ByConstant {
  const Value* data;
  const Tensor* constant;
  bool shifts;  // else it scales
};

std::optional<ByConstant> by_constant(const Node& node) {
  const bool is_commutative = node.is("Add") || node.is("Sum") || node.is("Mul");
  if (!is_commutative && !node.is("Sub") && !node.is("Div")) return std::nullopt;
  if (node.input_count() != 2 || node.output_count() != 1 || !node.input(0) || !node.input(1))
    return std::nullopt;
  const std::size_t at = is_commutative && constant_of(*node.input(0)) ? 0 : 1;
  const Tensor* constant = constant_of(*node.input(at));
  if (!constant || constant_of(*node.input(1 - at))) return std::nullopt;
  if (constant->dtype() != DType::kFloat32 || !all_finite(*constant)) return std::nullopt;
  for (std::int64_t i = 0; node.is("Div") && i < constant->size(); ++i) {
    if (!std::isfinite(1.0F / constant->at<float>(i))) return std::nullopt;
  }
  return ByConstant{node.input(1 - at), constant, !node.is("Mul") && !node.is("Div")};
}

/// Of data of `rank`: one number for all, or one for each index of the axis.
bool spreads_over(const Tensor& constant, std::size_t rank, std::size_t axis, std::int64_t channels) {
  if (constant.dims().size() > rank) return false;
  const std::size_t lead = rank - constant.dims().size();
  for (std::size_t i = 0; i < constant.dims().size(); ++i) {
    const std::int64_t dim = constant.dims()[i];
    if (dim != 1 && !(lead + i == axis && dim == channels)) return false;
  }
  return true;
}

std::optional<LinearLayer> layer_of(Node* node) {
  if (!node) return std::nullopt;
  auto found = LinearLayer::of(*node);
  if (auto* layer = std::get_if<LinearLayer>(&found)) return std::move(*layer);
  return std::nullopt;
}

bool can_take(const LinearLayer& layer, const ByConstant& what) {
  return layer.has_bias() ? layer.bias().has_value() : !what.shifts;
}

/// The rank of what the layer reads and makes; nullopt: it is not known.
std::optional<std::size_t> rank_at(const LinearLayer& layer, const Value& value) {
  if (!layer.node().is("MatMul")) return layer.output_rank();
  return value.type().shape ? std::optional(value.type().shape->size()) : std::nullopt;
}

std::size_t channel_axis(const LinearLayer& layer, std::size_t rank) {
  return layer.is_convolution() ? 1 : rank - 1;
}

}  // namespace

const Node* layer_for_constant(const Node& node) {
  const std::optional<ByConstant> what = by_constant(node);
  if (!what) return nullptr;
  const auto fits = [&](const LinearLayer& layer, const Value& value, std::int64_t channels) {
    const std::optional<std::size_t> rank = rank_at(layer, value);
    return rank && *rank > 0 && can_take(layer, *what) &&
           spreads_over(*what->constant, *rank, channel_axis(layer, *rank), channels);
  };
  const Value& result = node.output(0);
  if (result.has_single_use()) {
    const Use use = result.uses()[0];
    const bool is_data = &use.node->graph() == &node.graph() && use.input == 0;
    const std::optional<LinearLayer> behind = is_data ? layer_of(use.node) : std::nullopt;
    if (behind && use.node->int_or("transA", 0) == 0 && (!what->shifts || behind->sees_whole_weight()) &&
        fits(*behind, result, behind->inputs())) {
      return use.node;
    }
  }
  Node* producer = what->data->has_single_use() ? what->data->producer() : nullptr;
  if (!producer || &producer->graph() != &node.graph()) return nullptr;
  const std::optional<LinearLayer> before = layer_of(producer);
  return before && fits(*before, *what->data, before->outputs()) ? producer : nullptr;
}

}  // namespace qprep
