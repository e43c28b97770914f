#include "passes/partial_shapes.h"

#include <optional>
#include <utility>

namespace qprep {
namespace {

/// A longer shape is no tensor's.
constexpr std::int64_t kMostAxes = 64;
/// Casts beside each other.
constexpr int kMostCasts = 4;

const Node* maker_before_casts(const Value& value) {
  const Node* maker = value.producer();
  for (int i = 0; i < kMostCasts && maker && (maker->is("Cast") || maker->is("Identity")) && maker->input(0);
       ++i) {
    maker = maker->input(0)->producer();
  }
  return maker;
}

std::optional<std::int64_t> length_of(const Value& shape) {
  const auto dims = shape.type().static_dims();
  if (!dims || dims->size() != 1 || (*dims)[0] < 0 || (*dims)[0] > kMostAxes) return std::nullopt;
  return (*dims)[0];
}

void append(const Value& part, std::int64_t length, Shape& sizes) {
  const Tensor* tensor = constant_of(part);
  const auto numbers = tensor ? tensor->to_int64s() : std::nullopt;
  for (std::int64_t i = 0; i < length; ++i) {
    const bool known =
        numbers && std::ssize(*numbers) == length && (*numbers)[static_cast<std::size_t>(i)] > 0;
    sizes.push_back(known ? Dim{(*numbers)[static_cast<std::size_t>(i)], ""} : Dim{});
  }
}

/// The sizes that the shape asks for; unknown where they are computed, copied or left to be found.
std::optional<Shape> sizes_of(const Value& shape) {
  const auto length = length_of(shape);
  if (!length) return std::nullopt;
  Shape sizes;
  const Node* maker = maker_before_casts(shape);
  if (maker && maker->is("Concat")) {
    for (const Value* part : maker->inputs()) {
      const auto own = part ? length_of(*part) : std::nullopt;
      if (!own) return Shape(static_cast<std::size_t>(*length));
      append(*part, *own, sizes);
    }
  } else {
    append(shape, *length, sizes);
  }
  if (std::ssize(sizes) != *length) return Shape(static_cast<std::size_t>(*length));
  return sizes;
}

}  // namespace

bool infer_partial_shapes(Model& model) {
  bool found = false;
  for (Node& node : model.graph->nodes()) {
    if (!node.is("Reshape") || !node.input(1) || node.output_count() != 1) continue;
    Type type = node.output(0).type();
    if (type.kind != Type::Kind::kTensor || type.shape) continue;
    type.shape = sizes_of(*node.input(1));
    found = found || type.shape;
    node.output(0).set_type(std::move(type));
  }
  return found;
}

}  // namespace qprep
