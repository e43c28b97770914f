#include "passes/evaluate.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "passes/evaluate_ops.h"

namespace qprep {
namespace evaluation {

bool Call::fits(DType dtype, const Dims& dims) {
  const std::optional<std::int64_t> count = element_count(dims);
  const auto bytes = count ? payload_size(dtype, static_cast<std::uint64_t>(*count)) : std::nullopt;
  if (!bytes) {
    const bool negative = std::any_of(dims.begin(), dims.end(), [](std::int64_t dim) { return dim < 0; });
    too_large = !negative && bit_width(dtype) > 0;
    return false;
  }
  std::unordered_set<const std::byte*> counted;
  std::int64_t available = 0;
  for (const Tensor* tensor : inputs) {
    if (tensor && counted.insert(tensor->bytes().data()).second) available += tensor->size();
  }
  const bool fits = (*bytes <= limit.bytes || *count <= available) && *bytes <= limit.budget;
  too_large = !fits;
  return fits;
}

Tensor with_dims(const Tensor& tensor, Dims dims) {
  return Tensor(tensor.dtype(), std::move(dims), tensor.bytes(), tensor.owner());
}

std::optional<std::size_t> axis_in(std::int64_t axis, std::size_t rank) {
  const auto size = static_cast<std::int64_t>(rank);
  if (axis < -size || axis >= size) return std::nullopt;
  return static_cast<std::size_t>(axis < 0 ? axis + size : axis);
}

std::optional<std::vector<std::size_t>> axes_in(const std::vector<std::int64_t>& axes, std::size_t rank) {
  std::vector<std::size_t> found;
  for (const std::int64_t axis : axes) {
    const std::optional<std::size_t> at = axis_in(axis, rank);
    if (!at || std::find(found.begin(), found.end(), *at) != found.end()) return std::nullopt;
    found.push_back(*at);
  }
  return found;
}

std::optional<std::optional<std::vector<std::int64_t>>> ints_of(const Call& call, std::string_view name,
                                                                std::int64_t since, std::size_t i) {
  using Ints = std::optional<std::vector<std::int64_t>>;
  if (call.opset >= since) {
    const Tensor* tensor = call.input(i);
    if (!tensor) return Ints();
    const Ints ints = tensor->to_int64s();
    return ints && tensor->dims().size() <= 1 ? std::optional(ints) : std::nullopt;
  }
  const Attribute* attribute = call.node.attribute(name);
  if (!attribute) return Ints();
  const auto* ints = std::get_if<std::vector<std::int64_t>>(&attribute->value);
  return ints ? std::optional(Ints(*ints)) : std::nullopt;
}

Dims strides_of(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

std::optional<Dims> broadcast(const Dims& a, const Dims& b) {
  const Dims& longer = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  Dims out = longer;
  const std::size_t lead = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    std::int64_t& dim = out[lead + i];
    if (dim == 1) {
      dim = shorter[i];
    } else if (shorter[i] != 1 && shorter[i] != dim) {
      return std::nullopt;
    }
  }
  return out;
}

Dims broadcast_strides(const Dims& dims, const Dims& out) {
  const Dims own = strides_of(dims);
  Dims strides(out.size(), 0);
  const std::size_t lead = out.size() - dims.size();
  for (std::size_t i = 0; i < dims.size(); ++i) strides[lead + i] = dims[i] == 1 ? 0 : own[i];
  return strides;
}

std::optional<std::size_t> element_bytes(DType dtype) {
  const std::size_t bits = bit_width(dtype);
  return bits > 0 && bits % 8 == 0 ? std::optional(bits / 8) : std::nullopt;
}

Tensor strided_copy(const Tensor& in, std::int64_t offset, Dims dims, const Dims& strides) {
  Bytes out(element_count(dims).value_or(0), *element_bytes(in.dtype()));
  std::int64_t to = 0;
  for_each_index<1>(dims, {strides}, [&](const auto& offsets) { out.copy(to++, in, offset + offsets[0]); });
  return out.tensor(in.dtype(), std::move(dims));
}

namespace {

Evaluator find(std::string_view op) {
  static const auto table = [] {
    std::unordered_map<std::string_view, Evaluator> rows;
    for (const auto family :
         {layout_rows(), select_rows(), math_rows(), compare_rows(), reduce_rows(), cast_rows()}) {
      for (const Row& row : family) rows.emplace(row.op, row.evaluate);
    }
    return rows;
  }();
  const auto at = table.find(op);
  return at == table.end() ? nullptr : at->second;
}

}  // namespace
}  // namespace evaluation

bool can_evaluate(const Node& node) {
  return node.is_onnx_domain() && evaluation::find(node.op()) != nullptr;
}

Evaluation evaluate(const Node& node, std::span<const Tensor* const> inputs, std::int64_t opset,
                    const ResultLimit& limit) {
  evaluation::Call call{node, inputs, opset, limit};
  evaluation::Results results = evaluation::find(node.op())(call);
  if (!results || results->size() != node.output_count()) return {{}, call.too_large};
  return {std::move(*results), false};
}

}  // namespace qprep
