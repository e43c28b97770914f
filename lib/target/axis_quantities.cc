#include <algorithm>
#include <numeric>

#include "target/readers.h"

namespace qprep {
namespace {

/// The axis counted from the first; nullopt: the rank is not known, or there is no such axis.
std::optional<std::int64_t> from_first(std::int64_t axis, const KnownShape& shape) {
  if (axis >= 0) return axis;
  if (!shape) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(shape->size());
  return axis < -rank ? std::nullopt : std::optional(axis + rank);
}

std::int64_t default_axis(const NodeView& view) {
  const std::string& op = view.node.op();
  if (op == "Softmax" || op == "LogSoftmax" || op == "Hardmax") {
    return view.situation.opset.value_or(13) < 13 ? 1 : -1;
  }
  if (op == "TopK" || op == "LayerNormalization") return -1;
  if (op == "Concat" || op == "Flatten") return 1;
  return 0;
}

/// The axes of an attribute or, in later operator sets, of an input.
std::optional<std::vector<std::int64_t>> stated_axes(const Node& node, std::size_t input, bool& stated) {
  stated = true;
  if (const auto* axes = node.get<std::vector<std::int64_t>>("axes")) return *axes;
  if (!node.input(input)) {
    stated = false;
    return std::nullopt;
  }
  return int64s_of(node.input(input));
}

/// Of operators that say the axes they reduce in another way than `axes`; nullopt: of any other.
std::optional<Readings> axes_by_meaning(const NodeView& view, const QuantityName& name,
                                        const KnownShape& shape) {
  const std::string& op = view.node.op();
  const bool normalises = op == "LayerNormalization" || op == "RMSNormalization";
  const bool of_channels = op == "InstanceNormalization" || op == "GroupNormalization";
  const bool scores = op == "Softmax" || op == "LogSoftmax" || op == "Hardmax";
  if (!normalises && !of_channels && !scores && op != "ArgMax" && op != "ArgMin") return std::nullopt;
  if (!shape) return Readings::no_list("the axes");
  const auto rank = static_cast<std::int64_t>(shape->size());
  const Readings axis = read_axis(view, name);
  if (!of_channels && !axis.items.front().missing.empty()) return Readings::no_list("the axes");
  const std::int64_t first = of_channels ? 2 : std::get<Number>(axis.items.front().value).numerator();
  const bool to_the_last = normalises || of_channels || (scores && view.situation.opset.value_or(13) < 13);
  std::vector<std::int64_t> axes;
  for (std::int64_t i = first; i < rank && (to_the_last || i == first); ++i) axes.push_back(i);
  return Readings::numbers(axes);
}

struct Pads {
  std::vector<std::int64_t> sizes;  // begins, then ends
  std::vector<std::int64_t> axes;
};

std::optional<Pads> pads_of(const Node& node) {
  Pads pads;
  if (const auto* attribute = node.get<std::vector<std::int64_t>>("pads")) {
    pads.sizes = *attribute;
  } else if (const auto constant = int64s_of(node.input(1))) {
    pads.sizes = *constant;
  } else {
    return std::nullopt;
  }
  pads.axes.resize(pads.sizes.size() / 2);
  std::iota(pads.axes.begin(), pads.axes.end(), 0);
  if (!node.input(3)) return pads;
  const auto axes = int64s_of(node.input(3));
  if (!axes || axes->size() != pads.axes.size()) return std::nullopt;
  const KnownShape shape = shape_of(node.input(0));
  for (std::size_t i = 0; i < axes->size(); ++i) {
    const auto axis = from_first((*axes)[i], shape);
    if (!axis) return std::nullopt;
    pads.axes[i] = *axis;
  }
  return pads;
}

}  // namespace

Readings read_axis(const NodeView& view, const QuantityName&) {
  const auto axis = from_first(view.node.int_or("axis", default_axis(view)), shape_of(view.node.input(0)));
  return axis ? Readings::of(Number(*axis)) : Readings::unknown("the axis");
}

Readings read_axes(const NodeView& view, const QuantityName& name) {
  bool stated = false;
  const KnownShape shape = shape_of(view.node.input(0));
  if (const auto reduced = axes_by_meaning(view, name, shape)) return *reduced;
  auto axes = stated_axes(view.node, 1, stated);
  const bool all = !stated || (axes && axes->empty());
  if (all && view.node.int_or("noop_with_empty_axes", 0) != 0) return Readings::numbers({});
  if (all && shape) {
    axes.emplace(shape->size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  if (!axes || (all && !shape)) return Readings::no_list("the axes");
  for (std::int64_t& axis : *axes) {
    const auto positive = from_first(axis, shape);
    if (!positive) return Readings::no_list("the axes");
    axis = *positive;
  }
  std::ranges::sort(*axes);
  return Readings::numbers(*axes);
}

Readings read_axis_sizes(const NodeView& view, const QuantityName& name) {
  const Readings axes = read_axes(view, name);
  const KnownShape shape = shape_of(view.node.input(0));
  if (!axes.missing.empty() || !shape) return Readings::no_list("the size of the reduced axis");
  Readings sizes;
  sizes.is_list = true;
  for (const Reading& axis : axes.items) {
    const std::int64_t place = std::get<Number>(axis.value).numerator();
    if (place >= static_cast<std::int64_t>(shape->size()))
      return Readings::no_list("the size of the reduced axis");
    const Dim& dim = (*shape)[static_cast<std::size_t>(place)];
    Reading reading{{}, {}, 0, sizes.items.size(), axes.items.size()};
    if (dim.known()) {
      reading.value = Number(dim.size);
    } else {
      reading.missing = missing_dim("the size of the reduced axis", dim);
    }
    sizes.items.push_back(std::move(reading));
  }
  return sizes;
}

Readings read_changed_axes(const NodeView& view, const QuantityName&) {
  const KnownShape before = shape_of(view.node.input(0));
  const KnownShape after = view.node.output_count() > 0 ? shape_of(&view.node.output(0)) : KnownShape();
  if (!before || !after) return Readings::no_list("the shape of the result");
  // Aligned at their ends, as broadcasting does.
  const std::size_t rank = std::max(before->size(), after->size());
  std::vector<std::int64_t> changed;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const auto at = [&](const Shape& shape) {
      const std::size_t absent = rank - shape.size();
      return axis < absent ? Dim{1, {}} : shape[axis - absent];
    };
    const Dim a = at(*before), b = at(*after);
    if (a.known() && b.known() ? a.size == b.size : !a.symbol.empty() && a.symbol == b.symbol) continue;
    if (!a.known() || !b.known()) return Readings::no_list("the shape of the result");
    changed.push_back(static_cast<std::int64_t>(axis));
  }
  return Readings::numbers(changed);
}

Readings read_padded_axes(const NodeView& view, const QuantityName&) {
  const std::optional<Pads> pads = pads_of(view.node);
  if (!pads) return Readings::no_list("the padding");
  std::vector<std::int64_t> padded;
  const std::size_t axes = pads->axes.size();
  for (std::size_t i = 0; i < axes; ++i) {
    if (pads->sizes[i] != 0 || pads->sizes[i + axes] != 0) padded.push_back(pads->axes[i]);
  }
  std::ranges::sort(padded);
  return Readings::numbers(padded);
}

Readings read_parts(const NodeView& view, const QuantityName&) {
  const Node& node = view.node;
  if (const auto* split = node.get<std::vector<std::int64_t>>("split")) return Readings::numbers(*split);
  if (node.input(1)) {
    const auto split = int64s_of(node.input(1));
    return split ? Readings::numbers(*split) : Readings::no_list("the parts");
  }
  const KnownShape shape = shape_of(node.input(0));
  const auto axis = from_first(node.int_or("axis", 0), shape);
  const auto count = static_cast<std::int64_t>(node.output_count());
  if (!shape || !axis || *axis >= static_cast<std::int64_t>(shape->size()) || count == 0) {
    return Readings::no_list("the parts");
  }
  const Dim& dim = (*shape)[static_cast<std::size_t>(*axis)];
  if (!dim.known()) return Readings::no_list(missing_dim("the parts", dim));
  const std::int64_t each = dim.size / count + (dim.size % count != 0 ? 1 : 0);
  std::vector<std::int64_t> parts(static_cast<std::size_t>(count), each);
  parts.back() = dim.size - each * (count - 1);
  return Readings::numbers(parts);
}

Readings read_batch(const NodeView& view, const QuantityName&) {
  const KnownShape shape = shape_of(view.node.input(0));
  const std::string& op = view.node.op();
  const bool recurrent = op == "LSTM" || op == "GRU" || op == "RNN";
  const std::size_t axis = recurrent && view.node.int_or("layout", 0) == 0 ? 1 : 0;
  if (!shape || axis >= shape->size()) return Readings::unknown("the batch size");
  const Dim& dim = (*shape)[axis];
  return dim.known() ? Readings::of(Number(dim.size)) : Readings::unknown(missing_dim("the batch size", dim));
}

}  // namespace qprep
