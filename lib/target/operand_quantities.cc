#include <algorithm>
#include <functional>

#include "target/readers.h"

namespace qprep {
namespace {

/// The shapes of the data, aligned at their ends: missing axes have size 1. nullopt: one is not known;
/// `missing` says which.
std::optional<std::vector<Shape>> aligned_shapes(const NodeView& view, std::string& missing) {
  std::vector<Shape> shapes;
  std::size_t rank = 0;
  for (const std::size_t i : view.situation.data) {
    if (!view.node.input(i)) continue;
    const KnownShape shape = shape_of(view.node.input(i));
    if (!shape) {
      missing = "the rank of input " + std::to_string(i);
      return std::nullopt;
    }
    rank = std::max(rank, shape->size());
    shapes.push_back(*shape);
  }
  for (Shape& shape : shapes) shape.insert(shape.begin(), rank - shape.size(), Dim{1, {}});
  return shapes;
}

/// Whether the axis of each operand is stretched to that of the result; nullopt: a size that this depends on
/// is not known.
std::optional<std::vector<bool>> stretched(const std::vector<Shape>& shapes, std::size_t axis) {
  bool wide = false;
  bool open = false;
  for (const Shape& shape : shapes) {
    wide = wide || shape[axis].size > 1 || shape[axis].size == 0;
    open = open || !shape[axis].known();
  }
  const bool same_symbol = std::ranges::all_of(shapes, [&](const Shape& shape) {
    return !shape[axis].known() && !shape[axis].symbol.empty() &&
           shape[axis].symbol == shapes[0][axis].symbol;
  });
  std::vector<bool> result(shapes.size(), false);
  if (same_symbol) return result;
  // An open size beside a wide one is one or the same: it may be stretched.
  if (open) return std::nullopt;
  for (std::size_t i = 0; i < shapes.size(); ++i) result[i] = wide && shapes[i][axis].size == 1;
  return result;
}

/// What the operands do along each axis; nullopt: not known.
std::optional<std::vector<std::vector<bool>>> stretching(const NodeView& view, std::string& missing) {
  const auto shapes = aligned_shapes(view, missing);
  if (!shapes) return std::nullopt;
  std::vector<std::vector<bool>> axes;
  const std::size_t rank = shapes->empty() ? 0 : shapes->front().size();
  for (std::size_t axis = 0; axis < rank; ++axis) {
    auto each = stretched(*shapes, axis);
    if (!each) {
      missing = "the size of axis " + std::to_string(axis);
      return std::nullopt;
    }
    axes.push_back(std::move(*each));
  }
  return axes;
}

bool any(const std::vector<bool>& values) { return std::ranges::find(values, true) != values.end(); }

std::int64_t zeros_in(const Tensor& tensor) {
  std::int64_t zeros = 0;
  const std::int64_t count = tensor.size();
  if (tensor.dtype() == DType::kFloat32) {
    for (std::int64_t i = 0; i < count; ++i) zeros += tensor.at<float>(i) == 0 ? 1 : 0;
  } else if (tensor.dtype() == DType::kFloat64) {
    for (std::int64_t i = 0; i < count; ++i) zeros += tensor.at<double>(i) == 0 ? 1 : 0;
  } else if (const auto whole = tensor.to_int64s()) {
    zeros = std::ranges::count(*whole, 0);
  }
  return zeros;
}

}  // namespace

Readings read_constant_inputs(const NodeView& view, const QuantityName&) {
  std::int64_t count = 0;
  for (const std::size_t i : view.situation.data) {
    const Value* value = view.node.input(i);
    count += value && constant_of(*value) ? 1 : 0;
  }
  return Readings::of(Number(count));
}

Readings read_zeros(const NodeView& view, const QuantityName&) {
  std::int64_t count = 0;
  for (const std::size_t i : view.situation.data) {
    const Value* value = view.node.input(i);
    if (const Tensor* constant = value ? constant_of(*value) : nullptr) count += zeros_in(*constant);
  }
  return Readings::of(Number(count));
}

Readings read_broadcast_axes(const NodeView& view, const QuantityName&) {
  std::string missing;
  const auto axes = stretching(view, missing);
  if (!axes) return Readings::no_list(missing);
  std::vector<std::int64_t> found;
  for (std::size_t axis = 0; axis < axes->size(); ++axis) {
    if (any((*axes)[axis])) found.push_back(static_cast<std::int64_t>(axis));
  }
  return Readings::numbers(found);
}

Readings read_broadcast_operands(const NodeView& view, const QuantityName&) {
  std::string missing;
  const auto axes = stretching(view, missing);
  if (!axes) return Readings::unknown(missing);
  std::vector<bool> operands(axes->empty() ? 0 : axes->front().size(), false);
  for (const std::vector<bool>& axis : *axes) {
    for (std::size_t i = 0; i < operands.size(); ++i) operands[i] = operands[i] || axis[i];
  }
  return Readings::of(Number(std::ranges::count(operands, true)));
}

Readings read_merged_rank(const NodeView& view, const QuantityName&) {
  std::string missing;
  const auto shapes = aligned_shapes(view, missing);
  const auto axes = shapes ? stretching(view, missing) : std::nullopt;
  if (!axes) return Readings::unknown(missing);
  std::int64_t rank = 0;
  const std::vector<bool>* last = nullptr;
  for (std::size_t axis = 0; axis < axes->size(); ++axis) {
    const bool flat = std::ranges::all_of(*shapes, [&](const Shape& shape) { return shape[axis].size == 1; });
    if (flat) continue;
    if (!last || *last != (*axes)[axis]) ++rank;
    last = &(*axes)[axis];
  }
  return Readings::of(Number(std::max<std::int64_t>(rank, 1)));
}

Readings read_batch_broadcast(const NodeView& view, const QuantityName&) {
  const KnownShape a = shape_of(view.node.input(0));
  const KnownShape b = shape_of(view.node.input(1));
  const std::string missing = "the leading axes";
  if (!a || !b) return Readings::unknown(missing);
  const auto leading = [](const Shape& shape) {
    return Shape(shape.begin(), shape.size() < 2 ? shape.begin() : shape.end() - 2);
  };
  Shape left = leading(*a), right = leading(*b);
  const std::size_t rank = std::max(left.size(), right.size());
  left.insert(left.begin(), rank - left.size(), Dim{1, {}});
  right.insert(right.begin(), rank - right.size(), Dim{1, {}});
  const auto all_one = [](const Shape& shape) {
    return std::ranges::all_of(shape, [](const Dim& dim) { return dim.size == 1; });
  };
  const auto same = [](const Dim& x, const Dim& y) {
    return x.known() || y.known() ? x.size == y.size : !x.symbol.empty() && x.symbol == y.symbol;
  };
  if (std::ranges::equal(left, right, same)) return Readings::of(std::string("none"));
  if (all_one(left) || all_one(right)) return Readings::of(std::string("ones"));
  for (const Shape* shape : {&left, &right}) {
    for (const Dim& dim : *shape) {
      if (!dim.known()) return Readings::unknown(missing_dim(missing, dim));
    }
  }
  const auto differ = std::ranges::mismatch(left, right, same);
  const bool trailing = std::all_of(differ.in2, right.end(), [](const Dim& dim) { return dim.size == 1; });
  return Readings::of(std::string(trailing ? "trailing" : "mixed"));
}

}  // namespace qprep
