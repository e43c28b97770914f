#include "target/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <utility>

#include "target/catalogue.h"
#include "target/readers.h"

namespace qprep {
namespace {

const Quantity kAttribute = {
    .name = "attribute", .noun = "attribute", .remedy = "set it to", .read = read_attribute};

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
  const std::size_t place = reading.place;
  const bool is_first = place == 0;
  switch (quantity.items) {
    case Items::kNone:
    case Items::kAlike:
      break;
    case Items::kAxes:
      return fmt::format("{} {}", quantity.noun, place);
    case Items::kSpatial: {
      constexpr std::array kLetters = {"D", "H", "W"};
      const bool has_letter = reading.count <= kLetters.size();
      return has_letter ? kLetters[place + kLetters.size() - reading.count]
                        : fmt::format("{} {}", quantity.noun, place + 2);
    }
    case Items::kSides:
      return fmt::format("{} {}", quantity.noun, side(place, reading.count));
    case Items::kEdges:
      return fmt::format("{} {}", quantity.noun, edge(place, reading.count));
    case Items::kTopBottom:
      return fmt::format("{} {}", quantity.noun, is_first ? "top" : "bottom");
    case Items::kLeftRight:
      return fmt::format("{} {}", quantity.noun, is_first ? "left" : "right");
    case Items::kFrontBack:
      return fmt::format("{} {}", quantity.noun, is_first ? "front" : "back");
    case Items::kChannels:
      return fmt::format("{} {} per group", is_first ? "input" : "output", quantity.noun);
  }
  return std::string(quantity.noun);
}

}  // namespace

Readings Readings::of(Number number) { return {false, {{number, {}, 0, 0, 1}}, {}}; }
Readings Readings::of(std::string word) { return {false, {{std::move(word), {}, 0, 0, 1}}, {}}; }
Readings Readings::of(bool fact) { return {false, {{fact, {}, 0, 0, 1}}, {}}; }
Readings Readings::of(std::optional<bool> fact, std::string_view missing) {
  return fact ? of(*fact) : unknown(std::string(missing));
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
  const bool of_axes = quantity->items == Items::kAxes || quantity->items == Items::kSpatial;
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
    text = quantity->is_list() ? quantity->all : quantity->noun;
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
