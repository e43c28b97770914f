#include <algorithm>
#include <array>

#include "target/readers.h"

namespace qprep {
namespace {

bool is_transposed(const Node& node) { return node.is("ConvTranspose"); }

/// How many axes the window moves along; nullopt: not known.
std::optional<std::size_t> window_axes(const NodeView& view) {
  if (const auto* shape = view.node.get<std::vector<std::int64_t>>("kernel_shape")) return shape->size();
  for (const std::size_t input : {1U, 0U}) {
    if (input == 1 && !view.node.is("Conv") && !is_transposed(view.node)) continue;
    const KnownShape shape = shape_of(view.node.input(input));
    if (shape && shape->size() > 2) return shape->size() - 2;
  }
  return std::nullopt;
}

Readings read_list(const NodeView& view, const char* attribute, std::int64_t otherwise,
                   const std::string& missing) {
  if (const auto* values = view.node.get<std::vector<std::int64_t>>(attribute))
    return Readings::numbers(*values);
  const std::optional<std::size_t> axes = window_axes(view);
  return axes ? Readings::numbers(std::vector<std::int64_t>(*axes, otherwise)) : Readings::no_list(missing);
}

std::optional<std::int64_t> whole(const Readings& readings, std::size_t i) {
  if (i >= readings.items.size()) return std::nullopt;
  const Number* number = std::get_if<Number>(&readings.items[i].value);
  return number && number->is_whole() ? std::optional(number->numerator()) : std::nullopt;
}

/// The pads that auto_pad SAME_UPPER or SAME_LOWER gives.
Readings same_pads(const NodeView& view, const QuantityName& name, bool upper) {
  const std::string missing = "the padding";
  const KnownShape shape = shape_of(view.node.input(0));
  const Readings kernel = read_kernel(view, name);
  const Readings stride = read_stride(view, name);
  const Readings dilation = read_dilation(view, name);
  const std::size_t axes = kernel.items.size();
  if (is_transposed(view.node) || !shape || shape->size() != axes + 2 || axes == 0) {
    return Readings::no_list(missing);
  }
  std::vector<std::int64_t> pads(2 * axes);
  for (std::size_t i = 0; i < axes; ++i) {
    const auto k = whole(kernel, i), s = whole(stride, i), d = whole(dilation, i);
    const Dim& dim = (*shape)[i + 2];
    constexpr std::int64_t kLargest = std::int64_t{1} << 30;  // beyond any window; keeps the products small
    if (!k || !s || !d || !dim.known()) return Readings::no_list(missing);
    if (*s < 1 || std::max({*k, *s, *d, dim.size, -*k, -*d}) > kLargest) return Readings::no_list(missing);
    const std::int64_t results = (dim.size + *s - 1) / *s;
    const std::int64_t total = std::max<std::int64_t>((results - 1) * *s + (*k - 1) * *d + 1 - dim.size, 0);
    pads[i] = upper ? total / 2 : total - total / 2;
    pads[i + axes] = total - pads[i];
  }
  return Readings::numbers(pads);
}

/// Begin and end along the axis at that place from the last; none: there is no such axis.
Readings pad_pair(const Readings& pads, std::size_t place) {
  if (!pads.missing.empty()) return pads;
  const std::size_t axes = pads.items.size() / 2;
  Readings pair;
  pair.is_list = true;
  if (place > axes) return pair;
  for (const std::size_t each : {axes - place, 2 * axes - place}) {
    Reading reading = pads.items[each];
    reading.place = pair.items.size();
    reading.count = 2;
    pair.items.push_back(std::move(reading));
  }
  return pair;
}

}  // namespace

Readings read_kernel(const NodeView& view, const QuantityName&) {
  if (const auto* shape = view.node.get<std::vector<std::int64_t>>("kernel_shape")) {
    return Readings::numbers(*shape);
  }
  const KnownShape weight = shape_of(view.node.input(1));
  if (!(view.node.is("Conv") || is_transposed(view.node)) || !weight || weight->size() < 2) {
    return Readings::no_list("the kernel");
  }
  Readings readings;
  readings.is_list = true;
  for (std::size_t i = 2; i < weight->size(); ++i) {
    Reading reading{{}, {}, 0, i - 2, weight->size() - 2};
    if ((*weight)[i].known()) {
      reading.value = Number((*weight)[i].size);
    } else {
      reading.missing = "the kernel";
    }
    readings.items.push_back(std::move(reading));
  }
  return readings;
}

Readings read_stride(const NodeView& view, const QuantityName&) {
  return read_list(view, "strides", 1, "the stride");
}

Readings read_dilation(const NodeView& view, const QuantityName&) {
  return read_list(view, "dilations", 1, "the dilation");
}

Readings read_output_padding(const NodeView& view, const QuantityName&) {
  return read_list(view, "output_padding", 0, "the output padding");
}

Readings read_pads(const NodeView& view, const QuantityName& name) {
  const std::string automatic = view.node.string_or("auto_pad", "NOTSET");
  if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
    return same_pads(view, name, automatic == "SAME_UPPER");
  }
  if (automatic == "NOTSET") {
    if (const auto* pads = view.node.get<std::vector<std::int64_t>>("pads")) return Readings::numbers(*pads);
  }
  const std::optional<std::size_t> axes = window_axes(view);
  return axes ? Readings::numbers(std::vector<std::int64_t>(2 * *axes, 0)) : Readings::no_list("the padding");
}

Readings read_pad_w(const NodeView& view, const QuantityName& name) {
  return pad_pair(read_pads(view, name), 1);
}
Readings read_pad_h(const NodeView& view, const QuantityName& name) {
  return pad_pair(read_pads(view, name), 2);
}
Readings read_pad_d(const NodeView& view, const QuantityName& name) {
  return pad_pair(read_pads(view, name), 3);
}

Readings from_end(const Readings& list, std::size_t place) {
  if (!list.missing.empty()) return Readings::unknown(list.missing);
  if (place > list.items.size()) return Readings::of(Number(1));
  Reading reading = list.items[list.items.size() - place];
  reading.place = 0;
  reading.count = 1;
  return {false, {std::move(reading)}, {}};
}

Readings read_group(const NodeView& view, const QuantityName&) {
  return Readings::of(Number(view.node.int_or("group", 1)));
}

Readings read_channels_per_group(const NodeView& view, const QuantityName&) {
  const KnownShape weight = shape_of(view.node.input(1));
  if (!weight || weight->size() < 2) return Readings::no_list("the weight's shape");
  // Along its first axis a weight has the channels of all groups, along its second those of one.
  const std::int64_t group = view.node.int_or("group", 1);
  const std::size_t inputs = is_transposed(view.node) ? 0 : 1;
  Readings readings;
  readings.is_list = true;
  for (std::size_t place = 0; place < 2; ++place) {
    const std::size_t axis = place == 0 ? inputs : 1 - inputs;
    const Dim& dim = (*weight)[axis];
    Reading reading{{}, {}, 0, place, 2};
    const std::optional<Number> number = dim.known() ? divide(dim.size, axis == 0 ? group : 1) : std::nullopt;
    if (number) {
      reading.value = *number;
    } else {
      reading.missing = place == 0 ? "the input channels per group" : "the output channels per group";
    }
    readings.items.push_back(std::move(reading));
  }
  return readings;
}

}  // namespace qprep
