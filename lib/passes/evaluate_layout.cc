#include <algorithm>
#include <numeric>

#include "passes/evaluate_ops.h"

// Operators that arrange or repeat elements.
namespace qprep::evaluation {
namespace {

Results identity(Call& call) {
  const Tensor* x = call.input(0);
  return x && call.node.input_count() == 1 && element_bytes(x->dtype()) ? one(*x) : std::nullopt;
}

/// ONNX's Reshape: 0 copies an axis (unless allowzero), one -1 follows from the rest.
std::optional<Dims> reshaped(const Dims& dims, const Dims& target, bool allow_zero) {
  Dims out = target;
  std::optional<std::size_t> inferred;
  std::int64_t known = 1;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == 0 && !allow_zero) {
      if (i >= dims.size()) return std::nullopt;
      out[i] = dims[i];
    }
    if (out[i] == -1 && !inferred) {
      inferred = i;
    } else if (out[i] < 0 || __builtin_mul_overflow(known, out[i], &known)) {
      return std::nullopt;
    }
  }
  const std::int64_t count = element_count(dims).value_or(-1);
  if (inferred) {
    if (known == 0 || count % known != 0) return std::nullopt;
    out[*inferred] = count / known;
    known *= out[*inferred];
  }
  return known == count ? std::optional(out) : std::nullopt;
}

Results reshape(Call& call) {
  const Tensor* x = call.input(0);
  const auto target = ints_of(call, "shape", 5, 1);
  if (!x || !target || !*target) return std::nullopt;
  const auto dims = reshaped(x->dims(), **target, call.node.int_or("allowzero", 0) != 0);
  return dims ? one(with_dims(*x, *dims)) : std::nullopt;
}

Results flatten(Call& call) {
  const Tensor* x = call.input(0);
  if (!x) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(x->dims().size());
  std::int64_t axis = call.node.int_or("axis", 1);
  if (axis < -rank || axis > rank) return std::nullopt;
  if (axis < 0) axis += rank;
  const auto middle = x->dims().begin() + axis;
  const auto outer = element_count({x->dims().begin(), middle});
  const auto inner = element_count({middle, x->dims().end()});
  return outer && inner ? one(with_dims(*x, {*outer, *inner})) : std::nullopt;
}

Results squeeze(Call& call) {
  const Tensor* x = call.input(0);
  const auto given = ints_of(call, "axes", 13, 1);
  if (!x || !given) return std::nullopt;
  std::optional<std::vector<std::size_t>> axes;
  if (*given) {
    axes = axes_in(**given, x->dims().size());
    if (!axes) return std::nullopt;
  }
  Dims dims;
  for (std::size_t i = 0; i < x->dims().size(); ++i) {
    const std::int64_t dim = x->dims()[i];
    const bool goes = axes ? std::find(axes->begin(), axes->end(), i) != axes->end() : dim == 1;
    if (goes && dim != 1) return std::nullopt;
    if (!goes) dims.push_back(dim);
  }
  return one(with_dims(*x, std::move(dims)));
}

Results unsqueeze(Call& call) {
  const Tensor* x = call.input(0);
  const auto given = ints_of(call, "axes", 13, 1);
  if (!x || !given || !*given) return std::nullopt;
  const std::size_t rank = x->dims().size() + (*given)->size();
  const auto axes = axes_in(**given, rank);
  if (!axes) return std::nullopt;
  Dims dims;
  auto next = x->dims().begin();
  for (std::size_t i = 0; i < rank; ++i) {
    dims.push_back(std::find(axes->begin(), axes->end(), i) != axes->end() ? 1 : *next++);
  }
  return one(with_dims(*x, std::move(dims)));
}

Results transpose(Call& call) {
  const Tensor* x = call.input(0);
  if (!x || !element_bytes(x->dtype())) return std::nullopt;
  const std::size_t rank = x->dims().size();
  std::vector<std::int64_t> reversed(rank);
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  const auto perm = axes_in(call.node.ints_or("perm", reversed), rank);
  if (!perm || perm->size() != rank) return std::nullopt;
  const Dims own = strides_of(x->dims());
  Dims dims;
  Dims strides;
  for (const std::size_t axis : *perm) {
    dims.push_back(x->dims()[axis]);
    strides.push_back(own[axis]);
  }
  if (!call.fits(x->dtype(), dims)) return std::nullopt;
  return one(strided_copy(*x, 0, std::move(dims), strides));
}

Results expand(Call& call) {
  const Tensor* x = call.input(0);
  const auto shape = ints_of(call, "", 8, 1);
  if (!x || !shape || !*shape || !element_bytes(x->dtype())) return std::nullopt;
  const std::optional<Dims> dims = broadcast(x->dims(), **shape);
  if (!dims || !call.fits(x->dtype(), *dims)) return std::nullopt;
  return one(strided_copy(*x, 0, *dims, broadcast_strides(x->dims(), *dims)));
}

// A tensor of [r0, d0, r1, d1, ...] that is read with stride 0 along each r.
Results tile(Call& call) {
  const Tensor* x = call.input(0);
  const auto repeats = ints_of(call, "", 6, 1);
  if (call.opset < 6 || !x || !repeats || !*repeats || !element_bytes(x->dtype())) return std::nullopt;
  const Dims own = strides_of(x->dims());
  if ((*repeats)->size() != own.size()) return std::nullopt;
  Dims dims;
  Dims split;
  Dims strides;
  for (std::size_t i = 0; i < own.size(); ++i) {
    const std::int64_t count = (**repeats)[i];
    std::int64_t size = 0;
    if (count < 0 || __builtin_mul_overflow(count, x->dims()[i], &size)) return std::nullopt;
    dims.push_back(size);
    split.insert(split.end(), {count, x->dims()[i]});
    strides.insert(strides.end(), {0, own[i]});
  }
  if (!call.fits(x->dtype(), dims)) return std::nullopt;
  return one(with_dims(strided_copy(*x, 0, std::move(split), strides), std::move(dims)));
}

Results constant_of_shape(Call& call) {
  const auto dims = ints_of(call, "", 9, 0);
  if (!dims || !*dims) return std::nullopt;
  Tensor value = Tensor::floats({1}, {0.0F});
  if (const Attribute* given = call.node.attribute("value")) {
    const auto* tensor = std::get_if<Tensor>(&given->value);
    if (!tensor || tensor->size() != 1 || !element_bytes(tensor->dtype())) return std::nullopt;
    value = *tensor;
  }
  if (!call.fits(value.dtype(), **dims)) return std::nullopt;
  return one(strided_copy(value, 0, **dims, Dims((*dims)->size(), 0)));
}

constexpr std::array kRows = {
    Row{"Identity", identity}, Row{"Reshape", reshape},     Row{"Flatten", flatten},
    Row{"Squeeze", squeeze},   Row{"Unsqueeze", unsqueeze}, Row{"Transpose", transpose},
    Row{"Expand", expand},     Row{"Tile", tile},           Row{"ConstantOfShape", constant_of_shape},
};

}  // namespace

std::span<const Row> layout_rows() { return kRows; }

}  // namespace qprep::evaluation
