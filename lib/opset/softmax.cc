#include <algorithm>

#include "opset/adapters.h"

namespace qprep::adapters {
namespace {

// The one axis that does the same as flattening from `axis` on: the other axes from there on have size 1.
// nullopt if there is none, or not enough is known.
std::optional<std::size_t> only_axis(const Type& type, std::int64_t axis) {
  const std::optional<std::size_t> rank = type.rank();
  if (!rank || *rank == 0) return std::nullopt;
  const auto size = static_cast<std::int64_t>(*rank);
  const std::int64_t first = axis < 0 ? axis + size : axis;
  if (first < 0 || first >= size) return std::nullopt;
  auto found = static_cast<std::size_t>(first);
  std::size_t others = 0;
  for (auto i = static_cast<std::size_t>(first); i < *rank; ++i) {
    if ((*type.shape)[i].size == 1) continue;
    found = i;
    ++others;
  }
  return others <= 1 ? std::optional(found) : std::nullopt;
}

std::int64_t product(Shape::const_iterator begin, Shape::const_iterator end) {
  const bool known = std::all_of(begin, end, [](const Dim& dim) { return dim.known(); });
  Dims dims;
  std::transform(begin, end, std::back_inserter(dims), [](const Dim& dim) { return dim.size; });
  return known ? element_count(dims).value_or(-1) : -1;
}

// The type of `type` flattened to two dimensions before `axis`.
Type flattened(const Type& type, std::int64_t axis) {
  Shape shape(2);
  if (type.shape) {
    const auto rank = static_cast<std::int64_t>(type.shape->size());
    const auto middle =
        type.shape->begin() + std::clamp(axis < 0 ? axis + rank : axis, std::int64_t{0}, rank);
    shape[0].size = product(type.shape->begin(), middle);
    shape[1].size = product(middle, type.shape->end());
  }
  return Type::tensor(type.dtype, std::move(shape));
}

// The shape of x as Reshape takes it: a constant where at most one size is unknown, which -1 stands for, and
// none is 0, which would mean "copy".
Value& shape_of(Adaptation& a, Value& x) {
  const std::optional<std::size_t> rank = x.type().rank();
  if (rank) {
    Dims dims;
    for (const Dim& dim : *x.type().shape) dims.push_back(dim.known() ? dim.size : -1);
    if (std::count(dims.begin(), dims.end(), -1) <= 1 && std::count(dims.begin(), dims.end(), 0) == 0) {
      return a.new_integers("shape", std::move(dims));
    }
  }
  return a.before("Shape", {&x}, "shape",
                  rank ? integers_type(*rank) : Type::tensor(DType::kInt64, Shape(1)));
}

}  // namespace

void softmax_over_one_axis(Adaptation& a) {
  Node& node = a.node();
  Value& x = a.required_input(0);
  const Attribute* given = node.attribute("axis");
  const bool is_known = !given || given->reference.empty();
  const std::int64_t axis = is_known ? a.integer("axis").value_or(1) : 1;
  if (const std::optional<std::size_t> only = is_known ? only_axis(x.type(), axis) : std::nullopt) {
    node.set_attribute("axis", static_cast<std::int64_t>(*only));
    return;
  }
  const Type flat = is_known ? flattened(x.type(), axis) : Type::tensor(x.type().dtype, Shape(2));
  Value& shape = shape_of(a, x);
  Value& matrix = a.before("Flatten", {&x}, "matrix", flat, {{"axis", axis}});
  if (!is_known) matrix.producer()->add_attribute({"axis", std::monostate{}, given->reference, false});
  node.set_input(0, &matrix);
  node.set_attribute("axis", std::int64_t{1});
  Value& y = a.after("Reshape", {&a.required_output(0), &shape}, "shaped", {});
  a.replace_output(0, y, "matrix");
  node.output(0).set_type(matrix.type());
}

}  // namespace qprep::adapters
