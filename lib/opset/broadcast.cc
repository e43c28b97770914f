#include <fmt/format.h>
#include <numeric>

#include "opset/adapters.h"

namespace qprep::adapters {
namespace {

bool has_one_element(const Value& value) {
  const std::optional<Dims> dims = value.type().static_dims();
  return dims && element_count(*dims) == 1;
}

// Input i gets `count` axes of size 1 at its end.
void append_axes(Adaptation& a, std::size_t i, std::size_t rank, std::size_t count) {
  Value& value = *a.input(i);
  if (a.constant(i)) {
    Dims dims = a.constant(i)->dims();
    dims.insert(dims.end(), count, 1);
    return a.reshape_constant(i, std::move(dims));
  }
  Type type = value.type();
  if (type.shape) type.shape->insert(type.shape->end(), count, Dim{1, ""});
  Value& aligned = a.before("Unsqueeze", {&value}, "aligned", std::move(type));
  std::vector<std::int64_t> axes(count);
  std::iota(axes.begin(), axes.end(), static_cast<std::int64_t>(rank));
  aligned.producer()->set_attribute("axes", std::move(axes));
  a.set_input(i, &aligned);
}

}  // namespace

// Old: with broadcast = 1, B's shape is a run of A's that starts at `axis`, by default A's last axes; without
// it the shapes are equal. New: numpy's, so B needs an axis of size 1 for each of A's that follow the run.
void align_broadcast(Adaptation& a) {
  drop_consumed_inputs(a);
  const bool broadcasts = a.integer("broadcast").value_or(0) != 0;
  const std::optional<std::int64_t> axis = a.integer("axis");
  a.erase_attribute("broadcast");
  a.erase_attribute("axis");
  if (!broadcasts || !axis || has_one_element(a.required_input(1))) return;

  const auto b_rank = static_cast<std::int64_t>(a.rank(1));
  if (*axis == -1 && b_rank == 1) return;  // the last axis, both as "default" and as "count from the end"
  const auto a_rank = static_cast<std::int64_t>(a.rank(0));
  const std::int64_t following = a_rank - *axis - b_rank;
  if (*axis < 0 || following < 0) {
    throw Refusal{
        fmt::format("its attribute 'axis' is {}, which does not fit ranks {} and {}", *axis, a_rank, b_rank),
        "correct the model"};
  }
  if (following > 0) {
    append_axes(a, 1, static_cast<std::size_t>(b_rank), static_cast<std::size_t>(following));
  }
}

// Old: a slope of one element, or one a channel. New: numpy's broadcasting, where channels are axis 1.
void align_prelu_slope(Adaptation& a) {
  if (has_one_element(a.required_input(1)) || a.rank(1) != 1) return;
  const std::size_t rank = a.rank(0);
  if (rank > 2) append_axes(a, 1, 1, rank - 2);
}

}  // namespace qprep::adapters
