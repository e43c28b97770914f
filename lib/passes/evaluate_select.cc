#include <algorithm>
#include <cmath>
#include <limits>

#include "passes/evaluate_ops.h"

// Operators that pick elements by position, and those that make positions.
namespace qprep::evaluation {
namespace {

/// A tensor seen as [outer, axis, inner].
struct Blocks {
  std::int64_t outer = 1;
  std::int64_t size = 1;
  std::int64_t inner = 1;
};

Blocks blocks_around(const Dims& dims, std::size_t axis) {
  Blocks blocks;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    (i < axis ? blocks.outer : i == axis ? blocks.size : blocks.inner) *= dims[i];
  }
  return blocks;
}

bool is_index_type(DType dtype) { return dtype == DType::kInt32 || dtype == DType::kInt64; }

/// The indices, counted from the start; nullopt if one is out of range.
std::optional<std::vector<std::int64_t>> indices_in(const Tensor& tensor, std::int64_t size) {
  auto indices = is_index_type(tensor.dtype()) ? tensor.to_int64s() : std::nullopt;
  if (!indices) return std::nullopt;
  for (std::int64_t& index : *indices) {
    if (index < -size || index >= size) return std::nullopt;
    if (index < 0) index += size;
  }
  return indices;
}

Results concat(Call& call) {
  const Tensor* first = call.input(0);
  if (!first || !element_bytes(first->dtype())) return std::nullopt;
  if (call.opset >= 4 && !call.node.attribute("axis")) return std::nullopt;
  const auto axis = axis_in(call.node.int_or("axis", 1), first->dims().size());
  if (!axis) return std::nullopt;
  Dims dims = first->dims();
  dims[*axis] = 0;
  for (const Tensor* tensor : call.inputs) {
    if (!tensor || tensor->dtype() != first->dtype() || tensor->dims().size() != dims.size())
      return std::nullopt;
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (i != *axis && tensor->dims()[i] != dims[i]) return std::nullopt;
    }
    if (__builtin_add_overflow(dims[*axis], tensor->dims()[*axis], &dims[*axis])) return std::nullopt;
  }
  if (!call.fits(first->dtype(), dims)) return std::nullopt;
  Bytes out(*element_count(dims), *element_bytes(first->dtype()));
  const Blocks blocks = blocks_around(dims, *axis);
  std::int64_t to = 0;
  for (std::int64_t i = 0; i < blocks.outer; ++i) {
    for (const Tensor* tensor : call.inputs) {
      const std::int64_t count = tensor->dims()[*axis] * blocks.inner;
      out.copy(to, *tensor, i * count, count);
      to += count;
    }
  }
  return one(out.tensor(first->dtype(), std::move(dims)));
}

/// The length of each part, from the sizes given or from the number of outputs.
std::optional<std::vector<std::int64_t>> split_sizes(const Call& call, std::int64_t size) {
  const auto given = ints_of(call, "split", 13, 1);
  if (!given || (call.opset < 13 && call.node.input_count() > 1)) return std::nullopt;
  const auto parts = static_cast<std::int64_t>(call.node.output_count());
  if (*given) {
    std::int64_t rest = size;
    for (const std::int64_t part : **given) {
      if (part < 0 || part > rest) return std::nullopt;
      rest -= part;
    }
    return rest == 0 && static_cast<std::int64_t>((*given)->size()) == parts ? *given : std::nullopt;
  }
  if (call.node.int_or("num_outputs", parts) != parts) return std::nullopt;
  if (size % parts != 0 && call.opset < 18) return std::nullopt;
  const std::int64_t part = (size + parts - 1) / parts;
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(parts), part);
  sizes.back() = size - part * (parts - 1);
  return sizes.back() >= 0 ? std::optional(sizes) : std::nullopt;
}

Results split(Call& call) {
  const Tensor* x = call.input(0);
  if (!x || !element_bytes(x->dtype())) return std::nullopt;
  const auto axis = axis_in(call.node.int_or("axis", 0), x->dims().size());
  const auto sizes = axis ? split_sizes(call, x->dims()[*axis]) : std::nullopt;
  if (!sizes || !call.fits(x->dtype(), x->dims())) return std::nullopt;
  const Dims strides = strides_of(x->dims());
  std::vector<Tensor> parts;
  std::int64_t start = 0;
  for (const std::int64_t size : *sizes) {
    Dims dims = x->dims();
    dims[*axis] = size;
    parts.push_back(strided_copy(*x, start * strides[*axis], std::move(dims), strides));
    start += size;
  }
  return parts;
}

/// Where one axis is cut.
struct Cut {
  std::int64_t start = 0;
  std::int64_t step = 1;
  std::int64_t count = 0;
};

Cut cut_of(std::int64_t size, std::int64_t start, std::int64_t end, std::int64_t step) {
  if (size == 0) return {};
  step = std::max(step, -std::numeric_limits<std::int64_t>::max());
  if (start < 0) start += size;
  if (end < 0) end += size;
  if (step > 0) {
    start = std::clamp<std::int64_t>(start, 0, size);
    end = std::clamp<std::int64_t>(end, 0, size);
    return {start, step, end > start ? (end - start - 1) / step + 1 : 0};
  }
  start = std::clamp<std::int64_t>(start, 0, size - 1);
  end = std::clamp<std::int64_t>(end, -1, size - 1);
  return {start, step, start > end ? (start - end - 1) / -step + 1 : 0};
}

Results slice(Call& call) {
  const Tensor* x = call.input(0);
  const auto starts = ints_of(call, "starts", 10, 1);
  const auto ends = ints_of(call, "ends", 10, 2);
  const auto given_axes = ints_of(call, "axes", 10, 3);
  const auto given_steps = ints_of(call, "", 10, 4);
  if (!x || !element_bytes(x->dtype()) || !starts || !*starts || !ends || !*ends || !given_axes ||
      !given_steps) {
    return std::nullopt;
  }
  const std::size_t count = (*starts)->size();
  std::vector<std::int64_t> first_axes(count);
  for (std::size_t i = 0; i < count; ++i) first_axes[i] = static_cast<std::int64_t>(i);
  const auto axes = axes_in(given_axes->value_or(first_axes), x->dims().size());
  const std::vector<std::int64_t> steps = given_steps->value_or(std::vector<std::int64_t>(count, 1));
  if (!axes || axes->size() != count || (*ends)->size() != count || steps.size() != count)
    return std::nullopt;
  Dims dims = x->dims();
  Dims strides = strides_of(dims);
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (steps[i] == 0) return std::nullopt;
    const std::size_t axis = (*axes)[i];
    const Cut cut = cut_of(dims[axis], (**starts)[i], (**ends)[i], steps[i]);
    dims[axis] = cut.count;
    offset += cut.start * strides[axis];
    strides[axis] *= cut.count > 1 ? cut.step : 0;
  }
  if (!call.fits(x->dtype(), dims)) return std::nullopt;
  return one(strided_copy(*x, offset, std::move(dims), strides));
}

Results gather(Call& call) {
  const Tensor* x = call.input(0);
  const Tensor* positions = call.input(1);
  if (!x || !positions || !element_bytes(x->dtype())) return std::nullopt;
  const auto axis = axis_in(call.node.int_or("axis", 0), x->dims().size());
  const auto indices = axis ? indices_in(*positions, x->dims()[*axis]) : std::nullopt;
  if (!indices) return std::nullopt;
  const auto at = x->dims().begin() + static_cast<std::ptrdiff_t>(*axis);
  Dims dims(x->dims().begin(), at);
  dims.insert(dims.end(), positions->dims().begin(), positions->dims().end());
  dims.insert(dims.end(), at + 1, x->dims().end());
  if (!call.fits(x->dtype(), dims)) return std::nullopt;
  Bytes out(*element_count(dims), *element_bytes(x->dtype()));
  const Blocks blocks = blocks_around(x->dims(), *axis);
  std::int64_t to = 0;
  for (std::int64_t i = 0; i < blocks.outer && blocks.inner > 0; ++i) {
    for (const std::int64_t index : *indices) {
      out.copy(to, *x, (i * blocks.size + index) * blocks.inner, blocks.inner);
      to += blocks.inner;
    }
  }
  return one(out.tensor(x->dtype(), std::move(dims)));
}

Results gather_elements(Call& call) {
  const Tensor* x = call.input(0);
  const Tensor* positions = call.input(1);
  if (!x || !positions || !element_bytes(x->dtype())) return std::nullopt;
  const Dims& dims = positions->dims();
  const auto axis = axis_in(call.node.int_or("axis", 0), x->dims().size());
  if (!axis || dims.size() != x->dims().size()) return std::nullopt;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (i != *axis && dims[i] > x->dims()[i]) return std::nullopt;
  }
  const auto indices = indices_in(*positions, x->dims()[*axis]);
  if (!indices || !call.fits(x->dtype(), dims)) return std::nullopt;
  Dims strides = strides_of(x->dims());
  const std::int64_t along = std::exchange(strides[*axis], 0);
  Bytes out(*element_count(dims), *element_bytes(x->dtype()));
  std::int64_t to = 0;
  for_each_index<1>(dims, {strides}, [&](const auto& offsets) {
    const std::int64_t index = (*indices)[static_cast<std::size_t>(to)];
    out.copy(to++, *x, offsets[0] + index * along);
  });
  return one(out.tensor(x->dtype(), dims));
}

Results where(Call& call) {
  const Tensor* condition = call.input(0);
  const Tensor* x = call.input(1);
  const Tensor* y = call.input(2);
  if (!condition || !x || !y || condition->dtype() != DType::kBool || x->dtype() != y->dtype() ||
      !element_bytes(x->dtype())) {
    return std::nullopt;
  }
  auto dims = broadcast(x->dims(), y->dims());
  if (dims) dims = broadcast(*dims, condition->dims());
  if (!dims || !call.fits(x->dtype(), *dims)) return std::nullopt;
  Bytes out(*element_count(*dims), *element_bytes(x->dtype()));
  const std::array<Dims, 3> strides = {broadcast_strides(condition->dims(), *dims),
                                       broadcast_strides(x->dims(), *dims),
                                       broadcast_strides(y->dims(), *dims)};
  std::int64_t to = 0;
  for_each_index<3>(*dims, strides, [&](const auto& offsets) {
    const bool first = condition->at<std::uint8_t>(offsets[0]) != 0;
    out.copy(to++, first ? *x : *y, first ? offsets[1] : offsets[2]);
  });
  return one(out.tensor(x->dtype(), *dims));
}

Results non_zero(Call& call) {
  const Tensor* x = call.input(0);
  if (!x) return std::nullopt;
  return visit_number(x->dtype(), [&](auto type) -> Results {
    using T = typename decltype(type)::type;
    const std::vector<T> values = x->to_vector<T>();
    std::vector<std::int64_t> found;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] != T{}) found.push_back(static_cast<std::int64_t>(i));
    }
    const auto rank = static_cast<std::int64_t>(x->dims().size());
    const auto count = static_cast<std::int64_t>(found.size());
    if (rank == 0 || !call.fits(DType::kInt64, {rank, count})) return std::nullopt;
    const Dims strides = strides_of(x->dims());
    std::vector<std::int64_t> out;
    for (std::size_t axis = 0; axis < strides.size(); ++axis) {
      for (const std::int64_t at : found) out.push_back(at / strides[axis] % x->dims()[axis]);
    }
    return one(Tensor::int64s({rank, count}, std::move(out)));
  });
}

/// ceil((limit - start) / step), at least 0; nullopt if it is no number of elements.
template <typename T>
std::optional<std::int64_t> steps_between(T start, T limit, T step) {
  if (step == T{}) return std::nullopt;
  if constexpr (std::is_integral_v<T>) {
    std::int64_t way = 0;
    if (__builtin_sub_overflow(std::int64_t{limit}, std::int64_t{start}, &way)) return std::nullopt;
    if ((way > 0) != (step > 0) || way == 0) return 0;
    return (way - (step > 0 ? 1 : -1)) / step + 1;
  } else {
    const double steps = std::ceil(static_cast<double>(limit - start) / static_cast<double>(step));
    if (!(std::abs(steps) < 1e15)) return std::nullopt;
    return static_cast<std::int64_t>(std::max(steps, 0.0));
  }
}

// Adds step by step, as ONNX Runtime does, so that floats come out bit for bit.
template <typename T>
Results range_of(Call& call, const Tensor& start, const Tensor& limit, const Tensor& delta) {
  const T step = delta.at<T>(0);
  const auto count = steps_between(start.at<T>(0), limit.at<T>(0), step);
  if (!count || !call.fits(start.dtype(), {*count})) return std::nullopt;
  std::vector<T> values(static_cast<std::size_t>(*count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = i == 0 ? start.at<T>(0) : static_cast<T>(values[i - 1] + step);
  }
  return one(Tensor::of<T>(start.dtype(), {*count}, std::move(values)));
}

Results range(Call& call) {
  const Tensor* start = call.input(0);
  const Tensor* limit = call.input(1);
  const Tensor* delta = call.input(2);
  if (!start || !limit || !delta || start->size() != 1 || limit->size() != 1 || delta->size() != 1 ||
      start->dtype() != limit->dtype() || start->dtype() != delta->dtype()) {
    return std::nullopt;
  }
  switch (start->dtype()) {
    case DType::kInt16:
      return range_of<std::int16_t>(call, *start, *limit, *delta);
    case DType::kInt32:
      return range_of<std::int32_t>(call, *start, *limit, *delta);
    case DType::kInt64:
      return range_of<std::int64_t>(call, *start, *limit, *delta);
    case DType::kFloat32:
      return range_of<float>(call, *start, *limit, *delta);
    case DType::kFloat64:
      return range_of<double>(call, *start, *limit, *delta);
    default:
      return std::nullopt;
  }
}

constexpr std::array kRows = {
    Row{"Concat", concat},    Row{"Split", split}, Row{"Slice", slice},
    Row{"Gather", gather},    Row{"Where", where}, Row{"GatherElements", gather_elements},
    Row{"NonZero", non_zero}, Row{"Range", range},
};

}  // namespace

std::span<const Row> select_rows() { return kRows; }

}  // namespace qprep::evaluation
