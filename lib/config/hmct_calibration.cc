#include "config/hmct_calibration.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include "config/hb_file.h"
#include "config/quote.h"
#include "support/text.h"

namespace qprep {
namespace {

using Kind = YamlNode::Kind;

/// So many bins kl has.
constexpr int kFewestBins = 256;
constexpr int kMostBins = 65536;

/// Its metrics; nullopt: qprep has none of that name.
constexpr std::array<std::pair<std::string_view, std::optional<ResultMetric>>, 6> kMetrics = {{
    {"cosine-similarity", ResultMetric::kCosineSimilarity},
    {"mse", ResultMetric::kMse},
    {"mae", ResultMetric::kMae},
    {"mre", std::nullopt},
    {"sqnr", ResultMetric::kSqnr},
    {"chebyshev", ResultMetric::kChebyshev},
}};

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const auto& [name, metric] : kMetrics) names.emplace_back(name);
  return names;
}

std::optional<double> number_of(const YamlNode& node) {
  double number = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [stop, error] = std::from_chars(node.text.data(), end, number);
  const bool is_number =
      node.kind == Kind::kScalar && error == std::errc() && stop == end && std::isfinite(number);
  return is_number ? std::optional(number) : std::nullopt;
}

/// As describe, but that in JSON all texts are in quotes.
std::string what_is(const YamlNode& node) {
  return node.kind == Kind::kScalar && !node.text.empty() ? quote(node.text) : describe(node);
}

class Reader {
 public:
  Reader(YamlMap& model, const Findings& findings) : model_(model), findings_(findings) {}

  HmctCalibration read() {
    said_.search.metric = ResultMetric::kCosineSimilarity;
    if (model_.has("activation")) read_activation(model_.map("activation"));
    if (model_.has("weight")) read_weight(model_.map("weight"));
    if (model_.has("modelwise_search")) read_modelwise(model_.map("modelwise_search"));
    if (model_.has("layerwise_search")) read_layerwise(model_.map("layerwise_search"));
    return std::move(said_);
  }

 private:
  void says(const Where& where) {
    if (!said_.where) said_.where = where;
  }

  void read_activation(YamlMap map) {
    says(map.where());
    const auto types = words(map, "calibration_type", {"max", "kl"});
    const auto percentiles = numbers(map, "max_percentile", 0.5, 1, false);
    const auto bins = numbers(map, "num_bin", 129, 1'000'000, true,
                              fmt::format(" ({} to {} can be carried out)", kFewestBins, kMostBins));
    numbers(map, "max_num_bin", 258, 100'000'000, true);
    read_per_channel(map);
    read_asymmetric(map);
    for (const Placed<std::string>& type : types) {
      const bool is_max = type.value == "max";
      methods_ += std::max<std::size_t>(1, is_max ? percentiles.size() : bins.size());
      is_max ? add_max(percentiles) : add_kl(bins);
    }
    refuse_idle(map, types, percentiles, bins);
    map.finish();
  }

  /// What is said of a method that is not among those that are named.
  void refuse_idle(const YamlMap& map, const std::vector<Placed<std::string>>& types,
                   const std::vector<Placed<double>>& percentiles, const std::vector<Placed<double>>& bins) {
    const auto named = [&](std::string_view type) {
      return std::ranges::find(types, type, &Placed<std::string>::value) != types.end();
    };
    const auto cuts = std::ranges::find_if(percentiles, [](const auto& each) { return each.value < 1; });
    if (cuts != percentiles.end() && named("kl") && !named("max")) {
      findings_.wrong(fmt::format("{} is for 'calibration_type' max, not kl", map.name_of("max_percentile")),
                      cuts->where);
    }
    const std::string_view instead = types.empty() ? "" : ", not max";
    if (!bins.empty() && !named("kl")) {
      no_effect(
          fmt::format("{} has no effect: it is for 'calibration_type' kl{}", map.name_of("num_bin"), instead),
          bins.front().where);
    }
    if (!percentiles.empty() && types.empty()) {
      no_effect(fmt::format("{} has no effect: it is for 'calibration_type' max beside it",
                            map.name_of("max_percentile")),
                percentiles.front().where);
    }
  }

  void no_effect(std::string message, const Where& where) {
    findings_.remarks.warning(codes::kNoEffect, std::move(message), where);
  }

  void add_max(const std::vector<Placed<double>>& percentiles) {
    if (percentiles.empty()) said_.observers.push_back({.observer = Observer::kMinMax});
    for (const Placed<double>& each : percentiles) {
      said_.observers.push_back(
          each.value < 1 ? ObserverSpec{.observer = Observer::kPercentile, .percentile = 100.0 * each.value}
                         : ObserverSpec{.observer = Observer::kMinMax});
    }
  }

  void add_kl(const std::vector<Placed<double>>& bins) {
    if (bins.empty()) said_.observers.push_back({.observer = Observer::kKl, .bins = 1024});
    for (const Placed<double>& each : bins) {
      if (each.value < kFewestBins || each.value > kMostBins) {
        findings_.later(fmt::format("'num_bin' {} (qprep's kl has from {} to {} bins)", each.value,
                                    kFewestBins, kMostBins),
                        each.where);
        continue;
      }
      said_.observers.push_back({.observer = Observer::kKl, .bins = static_cast<int>(each.value)});
    }
  }

  /// The means of all samples correct the biases, so how many there are and by what they would be judged
  /// changes nothing.
  void read_weight(YamlMap map) {
    if (map.has("bias_correction")) {
      YamlMap correction = map.map("bias_correction");
      says(correction.where());
      correction.integer("num_sample", 1, 1'000'000);
      correction.word("metric", metric_names());
      correction.finish();
      said_.corrects_biases = true;
    }
    map.finish();
  }

  void read_modelwise(YamlMap map) {
    says(map.where());
    said_.search.where = map.where();
    const std::vector<Placed<std::string>> metrics = words(map, "metric", metric_names());
    if (metrics.size() > 1) findings_.wrong("'metric' is one word, not several", metrics[1].where);
    if (!metrics.empty()) {
      const auto metric = std::find_if(kMetrics.begin(), kMetrics.end(),
                                       [&](const auto& each) { return each.first == metrics[0].value; });
      if (metric->second) {
        said_.search.metric = *metric->second;
      } else {
        findings_.later(fmt::format("'metric' {}", metrics[0].value), metrics[0].where);
      }
    }
    const auto similarities = numbers(map, "similarity", 0, 1, false);
    if (similarities.size() > 1)
      findings_.wrong("'similarity' is one number, not several", similarities[1].where);
    if (!similarities.empty() && said_.search.metric == ResultMetric::kCosineSimilarity)
      said_.search.similarity = similarities[0].value;
    if (!similarities.empty() && said_.search.metric != ResultMetric::kCosineSimilarity) {
      no_effect(fmt::format("{} has no effect: it is of 'metric' cosine-similarity, and the metric is {}",
                            map.name_of("similarity"), metrics[0].value),
                similarities[0].where);
    }
    if (methods_ < 2 && !said_.search.per_channel) {
      no_effect(fmt::format("'{}' has no effect: it compares methods, of which 'activation' names {}",
                            map.path(), methods_ == 0 ? "none" : "one"),
                map.where());
    }
    map.finish();
  }

  void read_layerwise(YamlMap map) {
    words(map, "metric", metric_names());
    numbers(map, "similarity", 0, 1, false);
    map.finish();
    findings_.later("'layerwise_search' (a search over calibration methods, layer by layer)", map.where());
  }

  /// The value, or the values of a list, of which a search takes the best.
  std::vector<const YamlNode*> values(YamlMap& map, const char* key) {
    const YamlNode* node = map.find(key);
    if (!node) return {};
    if (node->kind != Kind::kList) return {node};
    std::vector<const YamlNode*> items;
    for (const auto& item : node->items) items.push_back(item.get());
    if (items.empty()) findings_.wrong(fmt::format("{} is an empty list", map.name_of(key)), node->where);
    return items;
  }

  std::vector<Placed<std::string>> words(YamlMap& map, const char* key,
                                         const std::vector<std::string>& allowed) {
    std::vector<Placed<std::string>> found;
    for (const YamlNode* value : values(map, key)) {
      const bool is_text = value->kind == Kind::kScalar;
      if (is_text && std::find(allowed.begin(), allowed.end(), value->text) != allowed.end()) {
        found.push_back({value->text, value->where});
        continue;
      }
      findings_.wrong(fmt::format("{} must be one of {}, not {}{}", map.name_of(key), join(allowed, ", "),
                                  what_is(*value), is_text ? did_you_mean(value->text, allowed) : ""),
                      value->where);
    }
    return found;
  }

  std::vector<Placed<double>> numbers(YamlMap& map, const char* key, double min, double max, bool whole,
                                      const std::string& besides = "") {
    std::vector<Placed<double>> found;
    for (const YamlNode* value : values(map, key)) {
      const auto number = number_of(*value);
      if (number && *number >= min && *number <= max && (!whole || *number == std::floor(*number))) {
        found.push_back({*number, value->where});
        continue;
      }
      findings_.wrong(fmt::format("{} must be a {}number from {} to {}{}, not {}", map.name_of(key),
                                  whole ? "whole " : "", min, max, besides, what_is(*value)),
                      value->where);
    }
    return found;
  }

  std::vector<Placed<bool>> flags(YamlMap& map, const char* key) {
    std::vector<Placed<bool>> found;
    for (const YamlNode* value : values(map, key)) {
      const auto flag = value->kind == Kind::kScalar ? hb_flag(value->text) : std::nullopt;
      if (flag) {
        found.push_back({*flag, value->where});
      } else {
        findings_.wrong(fmt::format("{} must be true or false, not {}", map.name_of(key), what_is(*value)),
                        value->where);
      }
    }
    return found;
  }

  /// What a key says of which both may be compared.
  struct Flags {
    std::optional<Where> wanted;  // where true stands; nullopt: nowhere
    bool both = false;
  };

  Flags asked(YamlMap& map, const char* key) {
    const std::vector<Placed<bool>> found = flags(map, key);
    const auto wanted = std::ranges::find(found, true, &Placed<bool>::value);
    if (wanted == found.end()) return {};
    return {wanted->where, std::ranges::find(found, false, &Placed<bool>::value) != found.end()};
  }

  void read_per_channel(YamlMap& map) {
    const Flags channels = asked(map, "per_channel");
    said_.search.per_channel = channels.both;
    if (!channels.both) said_.per_channel = channels.wanted;
  }

  void read_asymmetric(YamlMap& map) {
    const Flags zero_points = asked(map, "asymmetric");
    const std::string what = fmt::format("{} true (zero points other than 0)", map.name_of("asymmetric"));
    if (zero_points.both) {
      findings_.remarks.note(codes::kChosenMethod, what + " is left out of the search", *zero_points.wanted);
    } else if (zero_points.wanted) {
      findings_.later(what, *zero_points.wanted);
    }
  }

  YamlMap& model_;
  const Findings& findings_;
  HmctCalibration said_;
  std::size_t methods_ = 0;  // that `activation` names, also those that cannot be carried out yet
};

}  // namespace

HmctCalibration read_hmct_calibration(YamlMap& model, const Findings& findings) {
  return Reader(model, findings).read();
}

void apply(const HmctCalibration& said, CalibrationConfig& calibration) {
  if (said.corrects_biases) calibration.bias_correction = true;
  if (said.observers.size() < 2 && !said.search.per_channel) {
    if (!said.observers.empty()) calibration.observer = said.observers.front();
    return;
  }
  calibration.observer = {.observer = Observer::kAuto};
  calibration.search = said.search;
  calibration.search->observers = said.observers;
}

}  // namespace qprep
