#include <algorithm>

#include "passes/evaluate_ops.h"
#include "passes/replacement_functions.h"

namespace qprep::replace {

Replaced mat_mul_to_one_rank(Replacing& at) {
  const Node& node = at.node();
  const Tensor* weight = at.constant(1);
  if (!weight || at.constant(0) || weight->dims().size() < 2) return Replaced::other();
  const std::optional<std::size_t> rank = at.type(0).rank();
  if (!rank) return Replaced::unknown("the rank of what it reads is not known");
  if (weight->dims().size() >= *rank) return Replaced::other();
  Dims dims(*rank - weight->dims().size(), 1);
  dims.insert(dims.end(), weight->dims().begin(), weight->dims().end());
  at.took(1);
  Value& wide = at.shared_constant(*node.input(1), "rank" + std::to_string(*rank), "weight",
                                   [&] { return evaluation::with_dims(*weight, dims); });
  at.tell("has a constant of as many axes as its data");
  at.set_last_input(1, wide);
  return Replaced::yes();
}

Replaced reduce_to_kept_axes(Replacing& at) {
  Node& node = at.node();
  if (node.int_or("keepdims", 1) != 0) return Replaced::other();
  const std::int64_t since = node.is("ReduceSum") ? 13 : 18;
  const auto axes = at.ints("axes", since, 1);
  if (!axes) return at.gives("axes", since, 1) ? Replaced::no("its axes are computed") : Replaced::other();
  const Type data = at.type(0);
  if (!data.shape) return Replaced::unknown("the rank of what it reads is not known");
  const auto reduced = axes_of(*axes, data.shape->size());
  if (!reduced || reduced->empty()) return Replaced::other();
  Shape kept = *data.shape;
  Shape left;
  std::vector<std::optional<std::size_t>> source;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (std::ranges::find(*reduced, i) != reduced->end()) {
      kept[i] = {1, ""};
    } else {
      left.push_back(kept[i]);
      source.emplace_back(i);
    }
  }
  const auto target = reshape_target(left, source);
  if (!target) return Replaced::unknown("more sizes of its result are unknown than a Reshape infers");
  at.tell("drops its axes by a Reshape behind it");
  node.set_attribute("keepdims", std::int64_t{1});
  at.reshape_behind(node, Type::tensor(data.dtype, kept), *target, "kept");
  return Replaced::yes();
}

}  // namespace qprep::replace
