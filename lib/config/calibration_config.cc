#include "config/calibration_config.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <utility>

#include "config/calibration_method.h"
#include "config/quote.h"
#include "config/sample_inputs.h"
#include "config/selector.h"
#include "support/codes.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::string_view kNotCompared =
    "it is what compares these; name methods such as min_max, percentile, kl and mse, or leave the list out";

/// A method's name, or a map of its name and numbers.
std::optional<ObserverSpec> read_compared(const YamlNode& node, const std::string& name,
                                          Diagnostics& diagnostics) {
  if (node.kind == YamlNode::Kind::kMap) {
    YamlMap map(node, name, diagnostics);
    if (!map.has("method")) {
      diagnostics.error(codes::kMissingKey, fmt::format("an entry of '{}' has no 'method'", name),
                        map.where());
    }
    const auto spec = read_method(map, false, kNotCompared, diagnostics);
    map.finish();
    return spec;
  }
  const auto observer =
      node.kind == YamlNode::Kind::kScalar ? observer_from(node.text) : std::optional<Observer>();
  if (observer && *observer != Observer::kAuto) return ObserverSpec{.observer = *observer};
  if (observer) {
    diagnostics.error(codes::kBadValue,
                      fmt::format("an entry of '{}' cannot be auto: {}", name, kNotCompared), node.where);
    return std::nullopt;
  }
  diagnostics.error(
      codes::kBadValue,
      fmt::format(
          "an entry of '{}' must be one of {}, or a map of such a 'method' and its numbers, not {}{}", name,
          join(method_words(false), ", "),
          node.kind == YamlNode::Kind::kScalar && !node.text.empty() ? quote(node.text) : describe(node),
          node.kind == YamlNode::Kind::kScalar ? did_you_mean_method(node.text, false) : ""),
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

/// The name of an entry of `tensors`; nullopt: it is wrong, or has none.
std::optional<Placed<std::string>> read_name(YamlMap& entry, const std::string& list,
                                             Diagnostics& diagnostics) {
  const auto name = entry.text("name");
  if (!name && !entry.has("name")) {
    diagnostics.error(codes::kMissingKey, fmt::format("an entry of {} has no 'name'", list), entry.where());
  }
  if (!name) return std::nullopt;
  if (auto why = selector_error(name->value))
    diagnostics.error(codes::kBadValue, std::move(*why), name->where);
  return name;
}

std::vector<ObserverFor> read_tensors(YamlMap& map, Observer usual, Diagnostics& diagnostics) {
  const std::string list = map.name_of("tensors");
  const std::string why_not_auto =
      usual == Observer::kAuto
          ? ""
          : fmt::format(
                "it compares methods for the whole model, and 'calibration.method' is {}; the others are {}",
                to_text(usual), join(method_words(false), ", "));
  std::vector<ObserverFor> tensors;
  for (YamlMap& entry : map.maps("tensors")) {
    const auto name = read_name(entry, list, diagnostics);
    if (!entry.has("method")) {
      diagnostics.error(codes::kMissingKey, fmt::format("an entry of {} has no 'method'", list),
                        entry.where());
    }
    const auto spec = read_method(entry, false, why_not_auto, diagnostics);
    entry.finish();
    if (!name) continue;
    const auto before =
        std::ranges::find(tensors, name->value, [](const ObserverFor& each) { return each.selector.value; });
    if (before != tensors.end()) {
      diagnostics.warning(
          codes::kNeverWins,
          fmt::format("{} {} decides nothing: the entry before it in line {} has the same name", list,
                      quote(name->value), before->selector.where.line),
          name->where);
    }
    tensors.push_back({*name, spec.value_or(ObserverSpec())});
  }
  return tensors;
}

/// More than anybody has memory for.
constexpr std::int64_t kLargestBatch = 1024;

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
                    fmt::format("{} must be a size in MiB or GiB, such as 512MiB or 2GiB, not {}{}",
                                map.name_of("memory"), describe(*node), meant),
                    node->where);
  return std::nullopt;
}

/// Given: `calibration` has the method and the sensitivity.
std::optional<Placed<bool>> read_compare(YamlMap& map, const CalibrationConfig& calibration,
                                         Diagnostics& diagnostics) {
  const auto compare = map.boolean("compare");
  if (!compare || compare->value) return compare;
  const auto refuse = [&](std::string_view who) {
    diagnostics.error(codes::kBadValue,
                      fmt::format("{} cannot be false: {} compares", map.name_of("compare"), who),
                      compare->where);
  };
  if (calibration.observer.observer == Observer::kAuto) refuse("method auto");
  if (calibration.sensitivity && calibration.sensitivity->value) refuse("the sensitivity");
  return compare;
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

void read_data(YamlMap& map, const std::string& file, CalibrationConfig& calibration,
               Diagnostics& diagnostics) {
  const YamlNode* data = map.find("data");
  if (!data) return;
  if (data->kind == YamlNode::Kind::kList) {
    calibration.files = map.texts("data");
    calibration.data = file;
    calibration.where = data->where;
    if (data->items.empty()) {
      diagnostics.error(codes::kBadValue, fmt::format("{} is an empty list", map.name_of("data")),
                        data->where);
    }
  } else if (data->kind == YamlNode::Kind::kScalar && !data->text.empty()) {
    // lexically_normal: "../samples" in "cfg/a.yaml" reads as "samples" in messages.
    const std::filesystem::path folder = std::filesystem::path(file).parent_path() / data->text;
    calibration.data = folder.lexically_normal().string();
    calibration.where = data->where;
  } else {
    diagnostics.error(codes::kBadValue,
                      fmt::format("{} must be a folder, a .txt list, or a list of files, not {}",
                                  map.name_of("data"), describe(*data)),
                      data->where);
  }
}

}  // namespace

CalibrationConfig read_calibration(const YamlNode& node, const std::string& file, Diagnostics& diagnostics) {
  YamlMap map(node, "calibration", diagnostics);
  CalibrationConfig calibration;
  calibration.where = map.where();
  read_data(map, file, calibration, diagnostics);
  calibration.inputs = read_sample_inputs(map, diagnostics);
  calibration.state = read_state(map, diagnostics);
  calibration.observer = read_method(map, true, "", diagnostics).value_or(ObserverSpec());
  calibration.search = read_search(map, calibration.observer.observer, diagnostics);
  calibration.tensors = read_tensors(map, calibration.observer.observer, diagnostics);
  if (const auto corrects = map.boolean("bias_correction")) calibration.bias_correction = corrects->value;
  if (const auto rounding = map.word("weight_rounding", {"nearest", "least_error"}))
    calibration.weight_rounding = {rounding->value == "least_error", rounding->where};
  calibration.sensitivity = map.boolean("sensitivity");
  calibration.compare = read_compare(map, calibration, diagnostics);
  if (const auto keep = map.boolean("keep")) calibration.keep = keep->value;
  calibration.memory = read_memory(map, diagnostics);
  calibration.batch = map.integer("batch", 1, kLargestBatch);
  refuse_power_of_two(map, node, diagnostics);
  map.finish();
  return calibration;
}

}  // namespace qprep
