#include "config/calibration_method.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <utility>
#include <vector>

#include "config/quote.h"
#include "config/setting_spec.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

/// What other tools call a method, in lower case, and what is said of it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kForeign = {{
    {"max", "'min_max', which hb_mapper calls max"},
    {"minmax", "'min_max'"},
    {"entropy", "'kl', which ONNX Runtime calls entropy"},
    {"histogram", "'percentile' or 'mse', which look at a histogram"},
}};

/// A key that only some methods have a use for.
struct MethodKey {
  std::string_view key;
  std::vector<Observer> methods;
};

const std::vector<MethodKey>& method_keys() {
  static const std::vector<MethodKey> keys = {
      {"averaging_constant", {Observer::kMovingAverage}},
      {"percentile", {Observer::kPercentile, Observer::kMix}},
      {"bins", {Observer::kKl, Observer::kMix}},
      {"clip_min", {Observer::kClip}},
      {"clip_max", {Observer::kClip}},
      {"deviations", {Observer::kClipStd}},
      {"alpha", {Observer::kPact}},
  };
  return keys;
}

void refuse_idle_keys(YamlMap& map, Observer method, Diagnostics& diagnostics) {
  for (const MethodKey& each : method_keys()) {
    const YamlNode* node = map.find(each.key);
    if (node == nullptr || std::find(each.methods.begin(), each.methods.end(), method) != each.methods.end())
      continue;
    std::vector<std::string> methods;
    for (const Observer of : each.methods) methods.emplace_back(to_text(of));
    diagnostics.error(codes::kBadValue,
                      fmt::format("{} is for method {}, not {}", map.name_of(each.key),
                                  join(methods, " and "), to_text(method)),
                      node->where);
  }
}

std::optional<Observer> read_word(YamlMap& map, std::string_view why_not_auto, Diagnostics& diagnostics) {
  const YamlNode* node = map.find("method");
  if (!node) return std::nullopt;
  const bool is_text = node->kind == YamlNode::Kind::kScalar && !node->text.empty();
  const auto observer = is_text ? observer_from(node->text) : std::nullopt;
  if (observer == Observer::kAuto && !why_not_auto.empty()) {
    diagnostics.error(codes::kBadValue,
                      fmt::format("{} cannot be auto: {}", map.name_of("method"), why_not_auto), node->where);
    return std::nullopt;
  }
  if (observer) return observer;
  const bool with_auto = why_not_auto.empty();
  diagnostics.error(
      codes::kBadValue,
      fmt::format("{} must be one of {}, not {}{}", map.name_of("method"),
                  join(method_words(with_auto), ", "), is_text ? quote(node->text) : describe(*node),
                  is_text ? did_you_mean_method(node->text, with_auto) : ""),
      node->where);
  return std::nullopt;
}

/// Given: 0.9999 is a part of 1, where percents are wanted. Result: whether that was said.
bool refuse_part_of_one(YamlMap& map, Diagnostics& diagnostics) {
  const YamlNode* node = map.find("percentile");
  const auto number = node ? number_of(*node) : std::nullopt;
  if (!number || !(*number >= 0.5 && *number <= 1)) return false;
  diagnostics.error(codes::kBadValue,
                    fmt::format("{} is in percent, from 50 to 100: write {:.10g} for {}",
                                map.name_of("percentile"), 100 * *number, node->text),
                    node->where);
  return true;
}

void read_clip(YamlMap& map, ObserverSpec& spec, Diagnostics& diagnostics) {
  const auto low = map.number("clip_min", -1e30, 1e30);
  const auto high = map.number("clip_max", -1e30, 1e30);
  if (low) spec.clip_min = low->value;
  if (high) spec.clip_max = high->value;
  if (!low && !high) return;
  if (spec.clip_min == 0 && spec.clip_max == 0) {
    diagnostics.error(codes::kBadValue,
                      fmt::format("{} and {} are both 0, so that nothing but 0 would be left of any tensor",
                                  map.name_of("clip_min"), map.name_of("clip_max")),
                      high->where);
  }
  if (spec.clip_max >= spec.clip_min) return;
  const auto usual = [](const auto& said) { return said ? "" : " unless told"; };
  diagnostics.error(
      codes::kBadValue,
      fmt::format("{} must be at least {}, which is {}{}, and is {}{}", map.name_of("clip_max"),
                  map.name_of("clip_min"), spec.clip_min, usual(low), spec.clip_max, usual(high)),
      high ? high->where : low->where);
}

}  // namespace

std::vector<std::string> method_words(bool with_auto) {
  std::vector<std::string> words = observer_words();
  if (!with_auto) std::erase(words, to_text(Observer::kAuto));
  return words;
}

std::string did_you_mean_method(std::string_view word, bool with_auto) {
  std::string lower(word);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const auto& [foreign, meant] : kForeign) {
    if (lower == foreign) return fmt::format(" (did you mean {}?)", meant);
  }
  return did_you_mean(word, method_words(with_auto));
}

std::optional<ObserverSpec> read_method(YamlMap& map, bool has_usual, std::string_view why_not_auto,
                                        Diagnostics& diagnostics) {
  ObserverSpec spec;
  const auto method = read_word(map, why_not_auto, diagnostics);
  const bool is_usual = has_usual && !map.has("method");
  if (method) spec.observer = *method;
  if (method || is_usual) refuse_idle_keys(map, spec.observer, diagnostics);
  if (const auto constant = map.number("averaging_constant", 0, 1)) spec.averaging_constant = constant->value;
  if (!refuse_part_of_one(map, diagnostics)) {
    if (const auto percentile = map.number("percentile", 50, 100)) spec.percentile = percentile->value;
  }
  if (const auto bins = map.integer("bins", 256, 65536)) spec.bins = static_cast<int>(bins->value);
  if (const auto deviations = map.number("deviations", 0.01, 1000)) spec.deviations = deviations->value;
  if (const auto alpha = map.number("alpha", 1e-30, 1e30)) spec.alpha = alpha->value;
  read_clip(map, spec, diagnostics);
  return method || is_usual ? std::optional(spec) : std::nullopt;
}

}  // namespace qprep
