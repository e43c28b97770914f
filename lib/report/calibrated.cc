#include "report/calibrated.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "report/by_reason.h"
#include "report/page.h"
#include "support/text.h"

namespace qprep {
namespace {

std::string number(double x) { return fmt::format("{:.5g}", x); }
std::string ends(double low, double high) { return fmt::format("{} to {}", number(low), number(high)); }

/// "mse" or "117 percentile 99.99, 13 min_max".
std::string methods_of(const Calibrated& calibrated) {
  std::map<std::string, std::size_t> counts;
  for (const CalibratedTensor& tensor : calibrated.tensors) ++counts[tensor.method];
  if (counts.size() == 1) return counts.begin()->first;
  std::vector<std::pair<std::string, std::size_t>> rows(counts.begin(), counts.end());
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> parts;
  for (const auto& [method, count] : rows) parts.push_back(fmt::format("{} {}", count, method));
  return join(parts, ", ");
}

/// How many times the least the largest scale is.
double times_apart(const std::vector<float>& scales) {
  const auto [least, most] = std::minmax_element(scales.begin(), scales.end());
  return static_cast<double>(*most) / static_cast<double>(*least);
}

std::string decibels_of(const ResultFigures& figures) {
  if (std::isinf(figures.noise)) return "not finite";
  return figures.noise > 0 ? fmt::format("{:.2f}", -10.0 * std::log10(figures.noise)) : "exact";
}

/// "24.31 dB".
std::string signal_to_error(const ResultFigures& figures) {
  const bool is_number = figures.noise > 0 && !std::isinf(figures.noise);
  return decibels_of(figures) + (is_number ? " dB" : "");
}

/// What stands above the figures of a metric that is not always told.
std::string column_of(ResultMetric metric) {
  switch (metric) {
    case ResultMetric::kMse:
      return "mean squared error";
    case ResultMetric::kMae:
      return "mean absolute error";
    case ResultMetric::kChebyshev:
      return "largest error";
    case ResultMetric::kSqnr:
    case ResultMetric::kCosineSimilarity:
      break;
  }
  return "";
}

std::string words_of(ResultMetric metric) {
  if (metric == ResultMetric::kSqnr) return "signal to error";
  if (metric == ResultMetric::kCosineSimilarity) return "cosine similarity";
  return column_of(metric);
}

/// How many tensors have a scale for each channel; empty: none has.
std::string channels_text(const Calibrated& calibrated) {
  std::size_t tensors = 0, scales = 0;
  const CalibratedTensor* most = nullptr;
  double times = 0;
  for (const CalibratedTensor& tensor : calibrated.tensors) {
    if (tensor.channels.empty()) continue;
    ++tensors;
    scales += tensor.channels.size();
    const double apart = times_apart(tensor.scales);
    if (most && apart <= times) continue;
    most = &tensor;
    times = apart;
  }
  if (!most) return "";
  return fmt::format("{} of them {} a scale for each channel, {} in all; at most {} times apart, in '{}'",
                     tensors, tensors == 1 ? "has" : "have", scales, number(times), most->name);
}

/// With what else is tried besides the method.
std::string name_of(const MethodTrial& trial) {
  return trial.method + (trial.per_channel ? ", scales for channels" : "") +
         (trial.corrects_biases ? "" : ", biases as they were");
}

/// The methods that auto compared, the best first.
std::string trials_text(std::vector<MethodTrial> trials, const std::vector<std::string>& results,
                        ResultMetric metric) {
  std::stable_sort(trials.begin(), trials.end(), [&](const auto& a, const auto& b) {
    return a.figures.distance(metric) < b.figures.distance(metric);
  });
  Page page;
  page.line(fmt::format(
      "Method auto compared {} with the float model at {} ({}); the best by {} was taken. The "
      "signal is what varies in a result, its mean taken off:",
      counted(trials.front().samples, "sample", "samples"),
      counted(trials.front().figures.results, "result", "results"), first_of(results), words_of(metric)));
  Table table{{"method", "signal to error (dB)", "cosine similarity"}, {}};
  table.align = {Table::Align::kLeft, Table::Align::kRight, Table::Align::kRight, Table::Align::kRight};
  const std::string more = column_of(metric);
  if (!more.empty()) table.headers.push_back(more);
  for (const MethodTrial& trial : trials) {
    table.rows.push_back(
        {name_of(trial), decibels_of(trial.figures), fmt::format("{:.6f}", trial.figures.cosine)});
    if (!more.empty()) table.rows.back().push_back(number(trial.figures.distance(metric)));
  }
  page.simple(table);
  std::string text = page.take();
  text.pop_back();
  return text;
}

/// How near the results of the one method are.
std::string result_text(const Calibrated& calibrated) {
  const MethodTrial& trial = calibrated.trials.front();
  const std::string begin = fmt::format(
      "Over {} at {} ({}), the quantised model's results ", counted(trial.samples, "sample", "samples"),
      counted(trial.figures.results, "result", "results"), first_of(calibrated.results));
  if (trial.figures.noise == 0) return begin + "are those of the float model";
  return fmt::format(
      "{}have a cosine similarity of {:.6f} to the float model's, and a signal to error of {}{}. The signal "
      "is what varies "
      "in a result, its mean taken off{}",
      begin, trial.figures.cosine, decibels_of(trial.figures),
      std::isfinite(trial.figures.noise) ? " dB" : "",
      calibrated.could_measure ? ". 'calibration.sensitivity: true' finds the tensors that cost them most"
                               : "");
}

Table not_corrected_table(const std::vector<UncorrectedBias>& layers) {
  ByReason reasons;
  for (const UncorrectedBias& each : layers) reasons.add("", each.because, each.layer);
  Table table{{"biases as they were", "times", "layers"}, {}, {Table::Align::kLeft, Table::Align::kRight}};
  for (const ByReason::Row& row : reasons.rows())
    table.rows.push_back({row.because, fmt::format("{}", row.names.size()), first_of(row.names)});
  return table;
}

}  // namespace

std::optional<double> CalibratedTensor::sqnr() const {
  if (!signal || noise <= 0 || *signal <= 0) return std::nullopt;
  return 10.0 * std::log10(*signal / noise);
}

const MethodTrial* Calibrated::best() const {
  const auto nearer = [this](const MethodTrial& a, const MethodTrial& b) {
    return a.figures.distance(metric) < b.figures.distance(metric);
  };
  const auto best = std::ranges::min_element(trials, nearer);
  return best == trials.end() ? nullptr : &*best;
}

std::string method_line(const Calibrated& calibrated) {
  if (!calibrated.without_samples.empty()) {
    return fmt::format("{}, compared with none: statistics have no samples to run",
                       calibrated.without_samples);
  }
  const MethodTrial* best = calibrated.best();
  if (!best) return "";
  const std::string more = column_of(calibrated.metric);
  const auto methods = std::ranges::count(calibrated.trials, true, &MethodTrial::corrects_biases);
  const std::string rank = !calibrated.searched ? ""
                           : methods == 1       ? ", alone"
                                                : fmt::format(", best of {} methods", methods);
  return fmt::format(
      "{}{}: {}cosine similarity {:.6f}, signal to error {}", name_of(*best), rank,
      more.empty() ? "" : fmt::format("{} {}, ", more, number(best->figures.distance(calibrated.metric))),
      best->figures.cosine, signal_to_error(best->figures));
}

std::string to_text(const Calibrated& calibrated) {
  constexpr std::size_t kMost = 10;
  if (!calibrated.any()) return "";
  Page page;
  page.line(fmt::format("Calibration: {} from {}; method: {}",
                        counted(calibrated.tensors.size(), "tensor", "tensors"),
                        counted(calibrated.samples, "sample", "samples"), methods_of(calibrated)));
  if (const std::string channels = channels_text(calibrated); !channels.empty()) page.line(channels);
  if (!calibrated.without_samples.empty()) {
    page.line(fmt::format("Method auto had statistics without samples to compare methods with, and took {}",
                          calibrated.without_samples));
  }
  if (!calibrated.trials.empty()) {
    page.line(calibrated.searched ? trials_text(calibrated.trials, calibrated.results, calibrated.metric)
                                  : result_text(calibrated));
    if (calibrated.in_integers) {
      page.line(
          "So computes dialect function; of Q/DQ, ONNX Runtime makes integers, with results that may be a dB "
          "or two better "
          "or worse");
    }
  }
  if (!calibrated.rounded.empty()) {
    page.line(fmt::format("Weights of {} are rounded so that their results change least",
                          counted(calibrated.rounded.size(), "layer", "layers")));
  }
  if (calibrated.layers > 0) {
    page.line(fmt::format("Biases of {} of {} layers make up for what rounding their weights shifts",
                          calibrated.corrected.size(), calibrated.layers));
  }
  if (!calibrated.not_corrected.empty()) page.simple(not_corrected_table(calibrated.not_corrected));
  std::vector<const CalibratedTensor*> worst;
  for (const CalibratedTensor& tensor : calibrated.tensors) {
    if (tensor.sqnr()) worst.push_back(&tensor);
  }
  std::stable_sort(worst.begin(), worst.end(),
                   [](const auto* a, const auto* b) { return *a->sqnr() < *b->sqnr(); });
  worst.resize(std::min(worst.size(), kMost));
  if (worst.empty()) return page.take();
  page.line("Those whose numbers lose the most (their mean square to that of what quantising changes):");
  Table table{{"tensor", "dtype", "seen", "covered", "method", "dB"}, {}};
  table.align = {Table::Align::kLeft, Table::Align::kLeft, Table::Align::kLeft,
                 Table::Align::kLeft, Table::Align::kLeft, Table::Align::kRight};
  for (const CalibratedTensor* tensor : worst) {
    table.rows.push_back({tensor->name, tensor->dtype, ends(tensor->min, tensor->max),
                          ends(tensor->low, tensor->high), tensor->method,
                          fmt::format("{:.1f}", *tensor->sqnr())});
  }
  page.simple(table);
  return page.take();
}

nlohmann::ordered_json to_json(const CalibratedTensor& tensor) {
  nlohmann::ordered_json json = {{"tensor", tensor.name},  {"dtype", tensor.dtype}, {"min", tensor.min},
                                 {"max", tensor.max},      {"low", tensor.low},     {"high", tensor.high},
                                 {"method", tensor.method}};
  const auto sqnr = tensor.sqnr();
  for (const ChannelEnds& channel : tensor.channels) json["channels"].push_back({channel.min, channel.max});
  if (!tensor.scales.empty()) json["channel_scales"] = tensor.scales;
  json["sqnr_db"] = sqnr ? nlohmann::ordered_json(*sqnr) : nlohmann::ordered_json(nullptr);
  return json;
}

nlohmann::ordered_json to_json(const UncorrectedBias& layer) {
  return {{"layer", layer.layer}, {"because", layer.because}};
}

nlohmann::ordered_json to_json(const MethodTrial& trial) {
  return {{"method", trial.method},
          {"error", trial.figures.noise},
          {"cosine_similarity", trial.figures.cosine},
          {"mse", trial.figures.mse},
          {"mae", trial.figures.mae},
          {"chebyshev", trial.figures.chebyshev},
          {"samples", trial.samples},
          {"results", trial.figures.results},
          {"corrects_biases", trial.corrects_biases},
          {"per_channel", trial.per_channel}};
}

}  // namespace qprep
