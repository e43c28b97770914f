#include "passes/reduced_axes.h"

#include <algorithm>

namespace qprep {
namespace {

bool is_global_pooling(const Node& node) {
  return node.is_onnx_domain() && node.op().starts_with("Global") && node.op().ends_with("Pool");
}

std::optional<std::vector<std::int64_t>> written_axes(const Node& node) {
  if (const auto* axes = node.get<std::vector<std::int64_t>>("axes")) return *axes;
  const Value* input = node.input(1);
  const Tensor* tensor = input ? constant_of(*input) : nullptr;
  return tensor ? tensor->to_int64s() : std::nullopt;
}

bool are_consecutive(const std::vector<std::int64_t>& axes) {
  return axes.back() - axes.front() == static_cast<std::int64_t>(axes.size()) - 1;
}

}  // namespace

std::optional<AxesOfReduction> axes_of_reduction(const Node& node) {
  const Value* data = node.input(0);
  if (!data) return std::nullopt;
  AxesOfReduction found;
  if (const auto rank = data->type().rank()) found.rank = static_cast<std::int64_t>(*rank);
  if (is_global_pooling(node)) {
    if (!found.rank) return std::nullopt;
    for (std::int64_t axis = 2; axis < *found.rank; ++axis) found.axes.push_back(axis);
  } else if (auto axes = written_axes(node)) {
    found.axes = std::move(*axes);
  }
  for (std::int64_t& axis : found.axes) {
    if (axis >= 0 && found.rank) axis -= *found.rank;
  }
  std::sort(found.axes.begin(), found.axes.end());
  const bool several_times = std::adjacent_find(found.axes.begin(), found.axes.end()) != found.axes.end();
  const bool all = found.rank && static_cast<std::int64_t>(found.axes.size()) >= *found.rank;
  if (found.axes.empty() || several_times || all) return std::nullopt;
  return found;
}

bool are_as_asked(const AxesOfReduction& reduction, ReducedAxes asked) {
  const std::vector<std::int64_t>& axes = reduction.axes;
  switch (asked) {
    case ReducedAxes::kUnasked:
    case ReducedAxes::kSome:
      return true;
    case ReducedAxes::kTrailing:
      return axes.back() == -1 && are_consecutive(axes);
    case ReducedAxes::kOne:
      return axes.size() == 1;
    case ReducedAxes::kInner:
      return reduction.rank && axes.size() >= 2 && are_consecutive(axes) && axes.front() > -*reduction.rank &&
             axes.back() < -1;
    case ReducedAxes::kSpatial:
    case ReducedAxes::kPlane:
      return reduction.rank && axes.back() == -1 && are_consecutive(axes) &&
             axes.front() == 2 - *reduction.rank && (asked == ReducedAxes::kSpatial || axes.size() >= 2);
  }
  return false;
}

}  // namespace qprep
