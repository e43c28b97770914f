#include "config/calibration_config.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <utility>

#include "config/quote.h"
#include "config/sample_inputs.h"
#include "config/selector.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

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
    std::vector<std::string> words;
    for (const Observer of : each.methods) words.emplace_back(to_text(of));
    diagnostics.error(codes::kBadValue,
                      fmt::format("{} is for method {}, not {}", map.name_of(each.key), join(words, " and "),
                                  to_text(method)),
                      node->where);
  }
}

/// The method and its numbers; nothing else of the map. `has_usual`: it may leave the method out.
ObserverSpec read_observer(YamlMap& map, bool has_usual, Diagnostics& diagnostics) {
  ObserverSpec spec;
  const auto method = map.word("method", observer_words());
  if (method) spec.observer = observer_from(method->value).value_or(spec.observer);
  if (method || (has_usual && !map.has("method"))) refuse_idle_keys(map, spec.observer, diagnostics);
  if (const auto constant = map.number("averaging_constant", 0, 1)) spec.averaging_constant = constant->value;
  if (const auto percentile = map.number("percentile", 50, 100)) spec.percentile = percentile->value;
  if (const auto bins = map.integer("bins", 256, 65536)) spec.bins = static_cast<int>(bins->value);
  if (const auto deviations = map.number("deviations", 0.01, 1000)) spec.deviations = deviations->value;
  if (const auto alpha = map.number("alpha", 1e-30, 1e30)) spec.alpha = alpha->value;
  if (const auto low = map.number("clip_min", -1e30, 1e30)) spec.clip_min = low->value;
  if (const auto high = map.number("clip_max", spec.clip_min, 1e30)) spec.clip_max = high->value;
  return spec;
}

/// A method's name, or a map of its name and numbers.
std::optional<ObserverSpec> read_compared(const YamlNode& node, const std::string& name,
                                          Diagnostics& diagnostics) {
  if (node.kind == YamlNode::Kind::kMap) {
    YamlMap map(node, name, diagnostics);
    if (!map.has("method")) {
      diagnostics.error(codes::kMissingKey, fmt::format("an entry of '{}' has no 'method'", name),
                        map.where());
    }
    const ObserverSpec spec = read_observer(map, false, diagnostics);
    map.finish();
    if (spec.observer != Observer::kAuto) return spec;
    if (map.has("method"))
      diagnostics.error(codes::kBadValue, fmt::format("'{}' is what auto compares", name), map.where());
    return std::nullopt;
  }
  std::vector<std::string> words = observer_words();
  words.erase(std::find(words.begin(), words.end(), to_text(Observer::kAuto)));
  const auto observer =
      node.kind == YamlNode::Kind::kScalar ? observer_from(node.text) : std::optional<Observer>();
  if (observer && *observer != Observer::kAuto) return ObserverSpec{.observer = *observer};
  diagnostics.error(
      codes::kBadValue,
      fmt::format("an entry of '{}' must be one of {}, or a map of such a 'method' and its numbers, not {}{}",
                  name, join(words, ", "), describe(node),
                  node.kind == YamlNode::Kind::kScalar ? did_you_mean(node.text, words) : ""),
      node.where);
  return std::nullopt;
}

std::vector<ObserverSpec> read_compared_methods(YamlMap& map, Diagnostics& diagnostics) {
  std::vector<ObserverSpec> observers;
  const YamlNode* list = map.find("methods");
  if (!list) return observers;
  if (list->kind != YamlNode::Kind::kList || list->items.empty()) {
    diagnostics.error(codes::kBadValue,
                      fmt::format("{} must be a list of methods, not {}", map.name_of("methods"),
                                  list->kind == YamlNode::Kind::kList ? "an empty one" : describe(*list)),
                      list->where);
    return observers;
  }
  for (const auto& item : list->items) {
    const auto observer = read_compared(*item, "calibration.search.methods", diagnostics);
    if (!observer) continue;
    if (std::find(observers.begin(), observers.end(), *observer) != observers.end()) {
      diagnostics.error(codes::kBadValue,
                        fmt::format("{} has {} twice", map.name_of("methods"), to_text(*observer)),
                        item->where);
    }
    observers.push_back(*observer);
  }
  return observers;
}

std::optional<MethodSearch> read_search(YamlMap& calibration, Observer method, Diagnostics& diagnostics) {
  if (!calibration.has("search")) return std::nullopt;
  YamlMap map = calibration.map("search");
  MethodSearch search;
  search.where = map.where();
  search.observers = read_compared_methods(map, diagnostics);
  if (const auto metric = map.word("metric", metric_words()))
    search.metric = metric_from(metric->value).value_or(search.metric);
  if (const auto similarity = map.number("similarity", 0, 1)) {
    search.similarity = similarity->value;
    if (search.metric != ResultMetric::kCosineSimilarity) {
      diagnostics.error(codes::kBadValue,
                        fmt::format("{} is for 'metric: cosine_similarity', not {}",
                                    map.name_of("similarity"), to_text(search.metric)),
                        similarity->where);
    }
  }
  if (const auto per_channel = map.boolean("per_channel")) search.per_channel = per_channel->value;
  map.finish();
  if (method != Observer::kAuto) {
    diagnostics.error(codes::kBadValue,
                      fmt::format("{} is what method auto compares, and the method is {}",
                                  calibration.name_of("search"), to_text(method)),
                      search.where);
  }
  return search;
}

std::vector<ObserverFor> read_tensors(YamlMap& map, Diagnostics& diagnostics) {
  std::vector<ObserverFor> tensors;
  for (YamlMap& entry : map.maps("tensors")) {
    const auto name = entry.text("name");
    if (!name && !entry.has("name")) {
      diagnostics.error(codes::kMissingKey,
                        fmt::format("an entry of {} has no 'name'", map.name_of("tensors")), entry.where());
    }
    if (name) {
      if (auto why = selector_error(name->value))
        diagnostics.error(codes::kBadValue, std::move(*why), name->where);
    }
    if (!entry.has("method")) {
      diagnostics.error(codes::kMissingKey,
                        fmt::format("an entry of {} has no 'method'", map.name_of("tensors")), entry.where());
    }
    const ObserverSpec spec = read_observer(entry, false, diagnostics);
    entry.finish();
    if (name) tensors.push_back({*name, spec});
  }
  return tensors;
}

/// "512MiB", "2GiB"; bytes. A number without a unit is refused: of bytes, kilobytes and megabytes, nobody
/// means the same one.
std::optional<Placed<std::uint64_t>> read_memory(YamlMap& map, Diagnostics& diagnostics) {
  constexpr std::size_t kMostDigits = 7;
  const YamlNode* node = map.find("memory");
  if (!node) return std::nullopt;
  const std::string_view text = node->text;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view unit = text.substr(digits);
  const bool is_number = digits > 0 && digits <= kMostDigits && text.front() != '0';
  if (is_number && (unit == "MiB" || unit == "GiB")) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + digits, number);
    return Placed<std::uint64_t>{number << (unit == "GiB" ? 30U : 20U), node->where};
  }
  const std::size_t letter = unit.find_first_not_of(' ');
  const char begin = letter == std::string_view::npos ? 'M' : unit[letter];
  const std::string_view meant_unit = begin == 'g' || begin == 'G'   ? "GiB"
                                      : begin == 'm' || begin == 'M' ? "MiB"
                                                                     : "";
  const bool is_near = is_number && !meant_unit.empty();
  const std::string meant =
      is_near ? fmt::format(" (did you mean '{}{}'?)", text.substr(0, digits), meant_unit) : "";
  diagnostics.error(codes::kBadValue,
                    fmt::format("{} must be a size such as 512MiB or 2GiB, not {}{}", map.name_of("memory"),
                                describe(*node), meant),
                    node->where);
  return std::nullopt;
}

/// What is said of slots, not of calibration.
void refuse_power_of_two(YamlMap& map, const YamlNode& calibration, Diagnostics& diagnostics) {
  const auto is_there = [](const YamlNode::Entry& entry) { return entry.key == "power_of_two"; };
  // Asked for only where it is, so that no message lists it among the keys that are known.
  if (std::none_of(calibration.entries.begin(), calibration.entries.end(), is_there)) return;
  const YamlNode* node = map.find("power_of_two");
  diagnostics.error(
      codes::kUnknownKey,
      fmt::format("{} is said of what is rounded: write 'activations: {{power_of_two: true}}', 'weights: "
                  "{{power_of_two: true}}', or both",
                  map.name_of("power_of_two")),
      node->where);
}

}  // namespace

CalibrationConfig read_calibration(const YamlNode& node, const std::string& file, Diagnostics& diagnostics) {
  YamlMap map(node, "calibration", diagnostics);
  CalibrationConfig calibration;
  calibration.where = map.where();
  if (const YamlNode* list = map.find("data"); list && list->kind == YamlNode::Kind::kList) {
    calibration.files = map.texts("data");
    calibration.data = file;
    calibration.where = list->where;
    if (list->items.empty()) {
      diagnostics.error(codes::kBadValue, fmt::format("{} is an empty list", map.name_of("data")),
                        list->where);
    }
  } else if (const auto data = map.text("data")) {
    // lexically_normal: "../samples" in "cfg/a.yaml" reads as "samples" in messages.
    const std::filesystem::path folder = std::filesystem::path(file).parent_path() / data->value;
    calibration.data = folder.lexically_normal().string();
    calibration.where = data->where;
  }
  calibration.inputs = read_sample_inputs(map, diagnostics);
  calibration.state = read_state(map, diagnostics);
  calibration.observer = read_observer(map, true, diagnostics);
  calibration.search = read_search(map, calibration.observer.observer, diagnostics);
  calibration.tensors = read_tensors(map, diagnostics);
  if (const auto corrects = map.boolean("bias_correction")) calibration.bias_correction = corrects->value;
  if (const auto rounding = map.word("weight_rounding", {"nearest", "least_error"}))
    calibration.weight_rounding = {rounding->value == "least_error", rounding->where};
  calibration.sensitivity = map.boolean("sensitivity");
  if (const auto keep = map.boolean("keep")) calibration.keep = keep->value;
  calibration.memory = read_memory(map, diagnostics);
  refuse_power_of_two(map, node, diagnostics);
  map.finish();
  return calibration;
}

}  // namespace qprep
