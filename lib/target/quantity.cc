#include "target/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <utility>

#include "target/readers.h"

namespace qprep {
namespace {

constexpr auto kNumber = QuantityKind::kNumber;
constexpr auto kWord = QuantityKind::kWord;
constexpr auto kFact = QuantityKind::kFact;

const std::vector<Quantity>& catalogue() {
  static const std::vector<Quantity> all = [] {
    const std::vector<std::string> types = {"float32", "float16", "bfloat16", "float64", "int8",
                                            "int16",   "int32",   "int64",    "uint8",   "uint16",
                                            "uint32",  "uint64",  "bool",     "string"};
    const std::vector<std::string> precisions = {"int8", "int16", "int32", "float32"};
    const std::vector<std::string> modes = {"constant", "reflect",  "edge",    "wrap", "nearest", "linear",
                                            "cubic",    "bilinear", "bicubic", "DCR",  "CRD"};
    const std::vector<std::string> coordinates = {
        "half_pixel",    "half_pixel_symmetric", "pytorch_half_pixel",  "asymmetric",
        "align_corners", "tf_crop_and_resize",   "tf_half_pixel_for_nn"};
    const std::vector<std::string> joints = {"none", "ones", "trailing", "mixed"};
    std::vector<Quantity> rows = {
        // Of a tensor
        {"rank", kNumber, false, true, "rank", "", "reshape it to rank", {}, read_rank},
        {"dims", kNumber, true, true, "size of axis", "the size of each axis", "", {}, read_dims},
        {"dims_but_axis",
         kNumber,
         true,
         true,
         "size of axis",
         "each size but that of the axis",
         "",
         {},
         read_dims_but_axis},
        {"N", kNumber, false, true, "N", "", "", {}, read_n},
        {"C", kNumber, false, true, "C", "", "", {}, read_c},
        {"D", kNumber, false, true, "D", "", "", {}, read_d},
        {"H", kNumber, false, true, "H", "", "", {}, read_h},
        {"W", kNumber, false, true, "W", "", "", {}, read_w},
        {"spatial", kNumber, true, true, "size of axis", "each spatial size", "", {}, read_spatial},
        {"elements", kNumber, false, true, "number of elements", "", "", {}, read_elements},
        {"bytes", kNumber, false, true, "number of bytes", "", "", {}, read_bytes},
        {"dtype", kWord, false, true, "element type", "", "use an element type of", types, read_dtype},
        {"precision", kWord, false, true, "precision", "", "use a precision of", precisions, read_precision},
        {"constant", kFact, false, true, "is a constant", "is no constant", "", {}, read_constant},
        // Of a window
        {"kernel", kNumber, true, false, "kernel", "each kernel size", "use a kernel of", {}, read_kernel},
        {"kernel_h",
         kNumber,
         false,
         false,
         "kernel height",
         "",
         "use a kernel height of",
         {},
         read_window_size},
        {"kernel_w",
         kNumber,
         false,
         false,
         "kernel width",
         "",
         "use a kernel width of",
         {},
         read_window_size},
        {"kernel_d",
         kNumber,
         false,
         false,
         "kernel depth",
         "",
         "use a kernel depth of",
         {},
         read_window_size},
        {"stride", kNumber, true, false, "stride", "each stride", "use a stride of", {}, read_stride},
        {"stride_h",
         kNumber,
         false,
         false,
         "stride height",
         "",
         "use a stride height of",
         {},
         read_window_size},
        {"stride_w",
         kNumber,
         false,
         false,
         "stride width",
         "",
         "use a stride width of",
         {},
         read_window_size},
        {"stride_d",
         kNumber,
         false,
         false,
         "stride depth",
         "",
         "use a stride depth of",
         {},
         read_window_size},
        {"dilation",
         kNumber,
         true,
         false,
         "dilation",
         "each dilation",
         "use a dilation of",
         {},
         read_dilation},
        {"dilation_h",
         kNumber,
         false,
         false,
         "dilation height",
         "",
         "use a dilation height of",
         {},
         read_window_size},
        {"dilation_w",
         kNumber,
         false,
         false,
         "dilation width",
         "",
         "use a dilation width of",
         {},
         read_window_size},
        {"dilation_d",
         kNumber,
         false,
         false,
         "dilation depth",
         "",
         "use a dilation depth of",
         {},
         read_window_size},
        {"pads", kNumber, true, false, "pad", "each pad", "use a padding of", {}, read_pads},
        {"pad_h",
         kNumber,
         true,
         false,
         "pad",
         "each pad above and below",
         "use a padding above and below of",
         {},
         read_pad_pair},
        {"pad_w",
         kNumber,
         true,
         false,
         "pad",
         "each pad left and right",
         "use a padding left and right of",
         {},
         read_pad_pair},
        {"pad_d",
         kNumber,
         true,
         false,
         "pad",
         "each pad front and back",
         "use a padding front and back of",
         {},
         read_pad_pair},
        {"output_padding",
         kNumber,
         true,
         false,
         "output padding",
         "each output padding",
         "use an output padding of",
         {},
         read_output_padding},
        {"group", kNumber, false, false, "group count", "", "use a group count of", {}, read_group},
        {"channels_per_group",
         kNumber,
         true,
         false,
         "channels",
         "each number of channels per group",
         "use a number of channels per group of",
         {},
         read_channels_per_group},
        // Of axes
        {"axis", kNumber, false, false, "axis", "", "transpose its data so that the axis is", {}, read_axis},
        {"axes",
         kNumber,
         true,
         false,
         "axis",
         "each axis",
         "transpose its data so that the axes are",
         {},
         read_axes},
        {"axis_sizes",
         kNumber,
         true,
         false,
         "size of reduced axis",
         "the size of each reduced axis",
         "",
         {},
         read_axis_sizes},
        {"changed_axes",
         kNumber,
         true,
         false,
         "changed axis",
         "each axis whose size changes",
         "change only axis",
         {},
         read_changed_axes},
        {"padded_axes",
         kNumber,
         true,
         false,
         "padded axis",
         "each axis that is padded",
         "pad only axis",
         {},
         read_padded_axes},
        {"parts",
         kNumber,
         true,
         false,
         "size of part",
         "the size of each part",
         "use parts of",
         {},
         read_parts},
        {"batch", kNumber, false, false, "batch size", "", "use a batch size of", {}, read_batch},
        // Of operands
        {"constant_inputs",
         kNumber,
         false,
         false,
         "number of constant inputs",
         "",
         "",
         {},
         read_constant_inputs},
        {"zeros", kNumber, false, false, "number of zeros in constant inputs", "", "", {}, read_zeros},
        {"broadcast_axes",
         kNumber,
         true,
         false,
         "broadcast axis",
         "each axis that is broadcast",
         "broadcast only along axis",
         {},
         read_broadcast_axes},
        {"broadcast_operands",
         kNumber,
         false,
         false,
         "number of operands that are broadcast",
         "",
         "",
         {},
         read_broadcast_operands},
        {"merged_rank",
         kNumber,
         false,
         false,
         "rank with axes merged that broadcast alike",
         "",
         "",
         {},
         read_merged_rank},
        {"batch_broadcast", kWord, false, false, "broadcasting of the leading axes", "",
         "use a broadcasting of the leading axes of", joints, read_batch_broadcast},
        // Of the node
        {"mode", kWord, false, false, "mode", "", "use mode", modes, read_mode},
        {"padding_mode",
         kWord,
         false,
         false,
         "padding mode",
         "",
         "use padding mode",
         {"zeros", "border", "reflection"},
         read_padding_mode},
        {"coordinates", kWord, false, false, "coordinate mode", "", "use coordinate mode", coordinates,
         read_coordinates},
        {"keepdims", kNumber, false, false, "keepdims", "", "use keepdims of", {}, read_keepdims},
        {"blocksize", kNumber, false, false, "block size", "", "use a block size of", {}, read_blocksize},
        {"sorted", kNumber, false, false, "sorted", "", "use sorted of", {}, read_sorted},
        {"opset", kNumber, false, false, "opset", "", "use opset", {}, read_opset},
        {"fused",
         kFact,
         false,
         false,
         "it is fused with the operator before it",
         "it is fused with no operator before it",
         "",
         {},
         read_fused},
        {"feeds_shortcut_add",
         kFact,
         false,
         false,
         "a shortcut Add follows",
         "no shortcut Add follows",
         "",
         {},
         read_feeds_shortcut_add},
        {"last_of_segment",
         kFact,
         false,
         false,
         "it is the last of its quantised segment",
         "it is not the last of its quantised segment",
         "",
         {},
         read_last_of_segment},
        {"model_output",
         kFact,
         false,
         false,
         "its result is an output of the model",
         "its result is no output of the model",
         "",
         {},
         read_model_output},
        {"crop_on_pixels",
         kFact,
         false,
         false,
         "its crop begins and ends on whole pixels",
         "its crop begins or ends between pixels",
         "",
         {},
         read_crop_on_pixels},
    };
    std::ranges::sort(rows, {}, &Quantity::name);
    return rows;
  }();
  return all;
}

const Quantity kAttribute = {"attribute", kNumber,     false, false,         "attribute",
                             "",          "set it to", {},    read_attribute};

const Quantity* find(std::string_view name) {
  const auto& all = catalogue();
  const auto at = std::ranges::lower_bound(all, name, {}, &Quantity::name);
  return at != all.end() && at->name == name ? &*at : nullptr;
}

/// "input", "input12", "outputs", "weight", "feature".
bool read_tensor(std::string_view text, QuantityName& name) {
  constexpr std::array<std::pair<std::string_view, TensorPlace>, 4> kWhole = {
      {{"inputs", TensorPlace::kInputs},
       {"outputs", TensorPlace::kOutputs},
       {"weight", TensorPlace::kWeight},
       {"feature", TensorPlace::kFeature}}};
  for (const auto& [word, place] : kWhole) {
    if (text != word) continue;
    name.tensor = place;
    return true;
  }
  for (const auto& [word, place] : {std::pair(std::string_view("input"), TensorPlace::kInput),
                                    std::pair(std::string_view("output"), TensorPlace::kOutput)}) {
    if (!text.starts_with(word)) continue;
    const std::string_view digits = text.substr(word.size());
    if (digits.size() > 3) return false;
    name.tensor = place;
    name.number = 0;
    if (digits.empty()) return true;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), name.number);
    return error == std::errc() && stop == digits.data() + digits.size();
  }
  return false;
}

std::string tensor_word(const QuantityName& name) {
  switch (name.tensor) {
    case TensorPlace::kInputs:
      return "inputs";
    case TensorPlace::kOutputs:
      return "outputs";
    case TensorPlace::kWeight:
      return "weight";
    case TensorPlace::kFeature:
      return "feature";
    case TensorPlace::kInput:
      return name.number == 0 ? "input" : fmt::format("input{}", name.number);
    case TensorPlace::kOutput:
      return name.number == 0 ? "output" : fmt::format("output{}", name.number);
  }
  return "";
}

/// "input 1", "the output": the tensor in a sentence.
std::string tensor_noun(const QuantityName& name, std::size_t tensor) {
  switch (name.tensor) {
    case TensorPlace::kInputs:
      return fmt::format("input {}", tensor);
    case TensorPlace::kOutputs:
      return fmt::format("output {}", tensor);
    case TensorPlace::kWeight:
      return "the weight";
    case TensorPlace::kFeature:
      return "the feature map";
    case TensorPlace::kInput:
      return name.number == 0 ? "the input" : fmt::format("input {}", name.number);
    case TensorPlace::kOutput:
      return name.number == 0 ? "the output" : fmt::format("output {}", name.number);
  }
  return "";
}

/// "height" of a list of two.
std::string side(std::size_t place, std::size_t count) {
  constexpr std::array kSides = {"depth", "height", "width"};
  if (count == 1) return "length";
  return count <= 3 ? kSides[place + 3 - count] : fmt::format("of axis {}", place);
}

std::string edge(std::size_t place, std::size_t count) {
  constexpr std::array kEdges = {"front", "top", "left", "back", "bottom", "right"};
  if (count == 2) return place == 0 ? "begin" : "end";
  if (count != 4 && count != 6) return fmt::format("number {}", place);
  const std::size_t axes = count / 2;
  return kEdges[place / axes * 3 + place % axes + 3 - axes];
}

std::string item_noun(const Quantity& quantity, const Reading& reading) {
  const std::string_view name = quantity.name;
  const std::size_t place = reading.place;
  if (name == "kernel" || name == "stride" || name == "dilation" || name == "output_padding") {
    return fmt::format("{} {}", quantity.noun, side(place, reading.count));
  }
  if (name == "pads") return fmt::format("pad {}", edge(place, reading.count));
  if (name == "pad_h") return place == 0 ? "pad top" : "pad bottom";
  if (name == "pad_w") return place == 0 ? "pad left" : "pad right";
  if (name == "pad_d") return place == 0 ? "pad front" : "pad back";
  if (name == "channels_per_group")
    return place == 0 ? "input channels per group" : "output channels per group";
  if (name == "spatial") {
    constexpr std::array kLetters = {"D", "H", "W"};
    return reading.count <= 3 ? kLetters[place + 3 - reading.count]
                              : fmt::format("size of axis {}", place + 2);
  }
  if (name == "dims" || name == "dims_but_axis" || name == "parts") {
    return fmt::format("{} {}", quantity.noun, place);
  }
  return std::string(quantity.noun);
}

}  // namespace

Readings Readings::of(Number number) { return {false, {{number, {}, 0, 0, 1}}, {}}; }
Readings Readings::of(std::string word) { return {false, {{std::move(word), {}, 0, 0, 1}}, {}}; }
Readings Readings::of(bool fact) { return {false, {{fact, {}, 0, 0, 1}}, {}}; }
Readings Readings::of(std::optional<bool> fact, std::string missing) {
  return fact ? of(*fact) : unknown(std::move(missing));
}
Readings Readings::unknown(std::string missing) {
  return {false, {{std::monostate(), std::move(missing), 0, 0, 1}}, {}};
}
Readings Readings::no_list(std::string missing) { return {true, {}, std::move(missing)}; }

Readings Readings::numbers(std::span<const std::int64_t> values) {
  Readings readings;
  readings.is_list = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    readings.items.push_back({Number(values[i]), {}, 0, i, values.size()});
  }
  return readings;
}

std::string QuantityName::text() const {
  if (!attribute.empty()) return "attribute." + attribute;
  std::string text = quantity->of_tensor && !implied ? tensor_word(*this) + "." : std::string();
  text += quantity->name;
  if (slice && slice->first == slice->second) return fmt::format("{}[{}]", text, slice->first);
  if (slice && slice->second == -1) return fmt::format("{}[{}..]", text, slice->first);
  if (slice) return fmt::format("{}[{}..{}]", text, slice->first, slice->second);
  return text;
}

std::string QuantityName::noun(const Reading& reading) const {
  if (!attribute.empty()) return fmt::format("attribute '{}'", attribute);
  if (quantity->kind == QuantityKind::kFact) {
    return quantity->of_tensor ? fmt::format("{} {}", tensor_noun(*this, reading.tensor), quantity->noun)
                               : std::string(quantity->noun);
  }
  std::string noun = item_noun(*quantity, reading);
  if (quantity->of_tensor && !implied) noun += " of " + tensor_noun(*this, reading.tensor);
  return noun;
}

std::string QuantityName::noun() const {
  if (!attribute.empty() || quantity->kind == QuantityKind::kFact) return noun(Reading{});
  std::string text;
  const bool of_axes = quantity->noun == "size of axis";
  if (slice && !of_axes) {
    Reading first;
    first.place = static_cast<std::size_t>(std::max<std::int64_t>(slice->first, 0));
    first.count = first.place + 1;
    text = item_noun(*quantity, first);
  } else if (slice && slice->first == slice->second && slice->first >= 0) {
    text = fmt::format("the size of axis {}", slice->first);
  } else if (slice && slice->first == slice->second) {
    text =
        slice->first == -1 ? "the size of the last axis" : fmt::format("the size of axis {}", slice->first);
  } else if (slice && slice->second == -1 && slice->first >= 0) {
    text = slice->first == 1 ? "the size of each axis but the first"
                             : fmt::format("the size of each axis from {} on", slice->first);
  } else if (slice && slice->second == -1) {
    text = fmt::format("the size of each of the last {} axes", -slice->first);
  } else if (slice && slice->first == 0) {
    text = fmt::format("the size of each axis before the last {}", -slice->second - 1);
  } else if (slice) {
    text = fmt::format("the size of axes {} to {}", slice->first, slice->second);
  } else {
    text = quantity->is_list ? quantity->all : quantity->noun;
  }
  if (!quantity->of_tensor || implied) return text;
  if (tensor == TensorPlace::kInputs) return text + " of each input";
  if (tensor == TensorPlace::kOutputs) return text + " of each output";
  return text + " of " + tensor_noun(*this, 0);
}

std::span<const Quantity> quantities() { return catalogue(); }

Readings read(const QuantityName& name, const NodeView& node) {
  Readings readings = name.quantity->read(node, name);
  if (!name.slice || !readings.missing.empty()) return readings;
  const bool several = name.tensor == TensorPlace::kInputs || name.tensor == TensorPlace::kOutputs;
  const auto [first, last] = *name.slice;
  const auto from_end = [](std::int64_t place, std::int64_t count) {
    return place < 0 ? place + count : place;
  };
  std::erase_if(readings.items, [&](const Reading& each) {
    const auto count = static_cast<std::int64_t>(each.count);
    const auto place = static_cast<std::int64_t>(each.place);
    return place < from_end(first, count) || place > from_end(last, count);
  });
  if (first != last || several) return readings;
  readings.is_list = false;
  if (readings.items.empty()) return Readings::unknown(fmt::format("the size of axis {}", first));
  return readings;
}

std::optional<QuantityName> quantity_named(std::string_view text, std::vector<std::string>& candidates) {
  QuantityName name;
  const std::size_t dot = text.find('.');
  const std::string_view head = text.substr(0, dot);
  candidates.clear();
  if (dot == std::string_view::npos) {
    name.quantity = find(text);
    if (name.quantity) return name;
    for (const Quantity& each : catalogue()) candidates.emplace_back(each.name);
    return std::nullopt;
  }
  const std::string_view tail = text.substr(dot + 1);
  if (head == "attribute" && !tail.empty()) {
    name.quantity = &kAttribute;
    name.attribute = tail;
    return name;
  }
  name.implied = false;
  if (!read_tensor(head, name)) {
    for (const char* word :
         {"input", "input1", "inputs", "output", "output1", "outputs", "weight", "feature"}) {
      candidates.push_back(fmt::format("{}.{}", word, tail));
    }
    return std::nullopt;
  }
  name.quantity = find(tail);
  if (name.quantity && name.quantity->of_tensor) return name;
  for (const Quantity& each : catalogue()) {
    if (each.of_tensor) candidates.push_back(fmt::format("{}.{}", head, each.name));
  }
  return std::nullopt;
}

}  // namespace qprep
