#include <algorithm>
#include <fmt/format.h>
#include <functional>

#include "ir/open_axes.h"
#include "target/readers.h"

namespace qprep {
namespace {

struct Operand {
  std::size_t number = 0;
  const Value* value = nullptr;
};

/// A Gemm reads the map that a Flatten or Reshape before it made into rows.
const Value* before_flattening(const Value* value) {
  const Node* producer = value ? value->producer() : nullptr;
  if (!producer || !(producer->is("Flatten") || producer->is("Reshape"))) return value;
  const KnownShape shape = shape_of(producer->input(0));
  return shape && shape->size() > 2 ? producer->input(0) : value;
}

std::vector<Operand> tensors_of(const NodeView& view, const QuantityName& name) {
  const Node& node = view.node;
  std::vector<Operand> tensors;
  switch (name.tensor) {
    case TensorPlace::kInput:
      return {{name.number, node.input(name.number)}};
    case TensorPlace::kWeight:
      return {{1, node.input(1)}};
    case TensorPlace::kFeature:
      return {{0, before_flattening(node.input(0))}};
    case TensorPlace::kOutput:
      return {{name.number, name.number < node.output_count() ? &node.output(name.number) : nullptr}};
    case TensorPlace::kInputs:
      for (const std::size_t i : view.situation.data) {
        if (node.input(i)) tensors.push_back({i, node.input(i)});
      }
      return tensors;
    case TensorPlace::kOutputs:
      for (std::size_t i = 0; i < node.output_count(); ++i) {
        if (!node.output(i).name().empty()) tensors.push_back({i, &node.output(i)});
      }
      return tensors;
  }
  return tensors;
}

bool several(const QuantityName& name) {
  return name.tensor == TensorPlace::kInputs || name.tensor == TensorPlace::kOutputs;
}

/// One reading a tensor.
Readings each_tensor(const NodeView& view, const QuantityName& name,
                     const std::function<Readings(const Operand&)>& read_one) {
  Readings all;
  all.is_list = several(name);
  for (const Operand& operand : tensors_of(view, name)) {
    Readings one = read_one(operand);
    if (one.is_list) all.is_list = true;
    if (!one.missing.empty() && all.missing.empty()) all.missing = one.missing;
    for (Reading& reading : one.items) {
      reading.tensor = operand.number;
      all.items.push_back(std::move(reading));
    }
  }
  return all;
}

std::string noun_of(const QuantityName& name, std::size_t number, std::size_t place = 0,
                    std::size_t count = 1) {
  Reading reading;
  reading.tensor = number;
  reading.place = place;
  reading.count = count;
  return name.noun(reading);
}

/// "rank of input 1", for the rank of the tensor whose sizes are meant.
std::string rank_noun(const QuantityName& name, std::size_t number) {
  std::vector<std::string> none;
  QuantityName rank = *quantity_named("rank", none);
  rank.tensor = name.tensor;
  rank.number = name.number;
  rank.implied = name.implied;
  return noun_of(rank, number);
}

Reading size_reading(const QuantityName& name, const Shape& shape, std::size_t axis, std::size_t number,
                     std::size_t place, std::size_t count) {
  Reading reading{{}, {}, number, place, count};
  if (shape[axis].known()) {
    reading.value = Number(shape[axis].size);
  } else {
    reading.missing = missing_dim(name.noun(reading), shape[axis]);
  }
  return reading;
}

/// The dims that `choose` takes, by their axis.
Readings read_some_dims(const NodeView& view, const QuantityName& name,
                        const std::function<bool(std::size_t axis)>& choose, std::size_t first = 0) {
  return each_tensor(view, name, [&](const Operand& operand) {
    const KnownShape shape = shape_of(operand.value);
    if (!shape) return Readings::no_list(rank_noun(name, operand.number));
    Readings readings;
    readings.is_list = true;
    const std::size_t count = shape->size() < first ? 0 : shape->size() - first;
    for (std::size_t axis = first; axis < shape->size(); ++axis) {
      if (!choose(axis)) continue;
      readings.items.push_back(size_reading(name, *shape, axis, operand.number, axis - first, count));
    }
    return readings;
  });
}

/// The size of the axis that `axis_of` finds in a shape of that rank; nullopt: there is none, which counts as
/// a size of one.
Readings read_dim(const NodeView& view, const QuantityName& name,
                  const std::function<std::optional<std::size_t>(std::size_t rank)>& axis_of) {
  return each_tensor(view, name, [&](const Operand& operand) {
    const KnownShape shape = shape_of(operand.value);
    if (!shape) return Readings::unknown(noun_of(name, operand.number));
    const std::optional<std::size_t> axis = axis_of(shape->size());
    if (!axis) return Readings::of(Number(1));
    return Readings{false, {size_reading(name, *shape, *axis, operand.number, 0, 1)}, {}};
  });
}

/// nullopt, with `missing` as what is unknown: a size is.
std::optional<Number> elements_of(const KnownShape& shape, std::string& missing) {
  if (!shape) return std::nullopt;
  std::optional<Number> product = Number(1);
  for (const Dim& dim : *shape) {
    if (!dim.known()) {
      missing = missing_dim(missing, dim);
      return std::nullopt;
    }
    product = multiply(*product, dim.size);
  }
  return product;
}

std::optional<DType> precision_of(const NodeView& view, const QuantityName& name) {
  switch (name.tensor) {
    case TensorPlace::kWeight:
      return view.situation.weight;
    case TensorPlace::kOutput:
    case TensorPlace::kOutputs:
      return view.situation.output;
    default:
      return view.situation.input;
  }
}

}  // namespace

KnownShape shape_of(const Value* value) {
  if (!value) return {};
  if (value->type().shape) return KnownShape(&*value->type().shape);
  const Tensor* constant = constant_of(*value);
  if (!constant) return {};
  Shape shape;
  for (const std::int64_t size : constant->dims()) shape.push_back({size, {}});
  return KnownShape(std::move(shape));
}

std::optional<std::vector<std::int64_t>> int64s_of(const Value* value) {
  const Tensor* constant = value ? constant_of(*value) : nullptr;
  return constant ? constant->to_int64s() : std::nullopt;
}

std::string missing_dim(const std::string& noun, const Dim& dim) {
  return is_nameless(dim) ? noun : fmt::format("{} ('{}')", noun, dim.symbol);
}

Readings read_rank(const NodeView& view, const QuantityName& name) {
  return each_tensor(view, name, [&](const Operand& operand) {
    const KnownShape shape = shape_of(operand.value);
    return shape ? Readings::of(Number(static_cast<std::int64_t>(shape->size())))
                 : Readings::unknown(noun_of(name, operand.number));
  });
}

Readings read_dims(const NodeView& view, const QuantityName& name) {
  return read_some_dims(view, name, [](std::size_t) { return true; });
}

Readings read_dims_but_axis(const NodeView& view, const QuantityName& name) {
  const Readings axis = read_axis(view, name);
  const Number* number = axis.items.empty() ? nullptr : std::get_if<Number>(&axis.items[0].value);
  if (!number) return Readings::no_list("the axis");
  const auto left_out = static_cast<std::size_t>(number->numerator());
  return read_some_dims(view, name, [&](std::size_t each) { return each != left_out; });
}

Readings read_spatial(const NodeView& view, const QuantityName& name) {
  return read_some_dims(
      view, name, [](std::size_t) { return true; }, 2);
}

Readings read_n(const NodeView& view, const QuantityName& name) {
  return read_dim(view, name,
                  [](std::size_t rank) { return rank > 0 ? std::optional<std::size_t>(0) : std::nullopt; });
}

Readings read_c(const NodeView& view, const QuantityName& name) {
  return read_dim(view, name,
                  [](std::size_t rank) { return rank > 1 ? std::optional<std::size_t>(1) : std::nullopt; });
}

Readings read_d(const NodeView& view, const QuantityName& name) {
  return read_dim(view, name,
                  [](std::size_t rank) { return rank > 4 ? std::optional(rank - 3) : std::nullopt; });
}

Readings read_h(const NodeView& view, const QuantityName& name) {
  return read_dim(view, name,
                  [](std::size_t rank) { return rank > 3 ? std::optional(rank - 2) : std::nullopt; });
}

Readings read_w(const NodeView& view, const QuantityName& name) {
  return read_dim(view, name,
                  [](std::size_t rank) { return rank > 2 ? std::optional(rank - 1) : std::nullopt; });
}

Readings read_elements(const NodeView& view, const QuantityName& name) {
  return each_tensor(view, name, [&](const Operand& operand) {
    const KnownShape shape = shape_of(operand.value);
    std::string missing = noun_of(name, operand.number);
    const std::optional<Number> product = elements_of(shape, missing);
    return product ? Readings::of(*product) : Readings::unknown(missing);
  });
}

Readings read_bytes(const NodeView& view, const QuantityName& name) {
  return each_tensor(view, name, [&](const Operand& operand) {
    const KnownShape shape = shape_of(operand.value);
    const std::optional<DType> precision = precision_of(view, name);
    if (!precision) return Readings::unknown("the precision");
    std::string missing = noun_of(name, operand.number);
    const std::optional<Number> product = elements_of(shape, missing);
    if (!product) return Readings::unknown(missing);
    return Readings::of(multiply(*product, static_cast<std::int64_t>(bit_width(*precision) / 8)).value_or(0));
  });
}

Readings read_dtype(const NodeView& view, const QuantityName& name) {
  return each_tensor(view, name, [&](const Operand& operand) {
    DType dtype = operand.value ? operand.value->type().dtype : DType::kUndefined;
    if (const Tensor* constant = operand.value ? constant_of(*operand.value) : nullptr) {
      dtype = constant->dtype();
    }
    return dtype == DType::kUndefined ? Readings::unknown(noun_of(name, operand.number))
                                      : Readings::of(to_text(dtype));
  });
}

Readings read_precision(const NodeView& view, const QuantityName& name) {
  return each_tensor(view, name, [&](const Operand& operand) {
    const std::optional<DType> precision = precision_of(view, name);
    return precision ? Readings::of(to_text(*precision)) : Readings::unknown(noun_of(name, operand.number));
  });
}

Readings read_constant(const NodeView& view, const QuantityName& name) {
  return each_tensor(view, name, [&](const Operand& operand) {
    return Readings::of(operand.value && constant_of(*operand.value) != nullptr);
  });
}

}  // namespace qprep
