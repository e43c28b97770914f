#include "driver/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "report/page.h"
#include "statistics/statistics_file.h"
#include "statistics/value_density.h"
#include "support/codes.h"
#include "support/diagnostics.h"
#include "support/text.h"

namespace qprep {
namespace {

constexpr std::array<double, 9> kPercentiles = {0.01, 0.1, 1, 10, 50, 90, 99, 99.9, 99.99};
constexpr std::array<double, 4> kMagnitudePercentiles = {99, 99.9, 99.99, 99.999};

const TensorStatistics& named(const Statistics& statistics, const std::string& tensor,
                              const std::string& file) {
  std::vector<std::string> names;
  for (const TensorStatistics& each : statistics.tensors) {
    if (each.name == tensor) return each;
    names.push_back(each.name);
  }
  throw Fatal(codes::kBadStatistics,
              fmt::format("no tensor '{}' was observed{}", tensor, did_you_mean(tensor, names)), {file});
}

std::string number(double x) { return fmt::format("{:.5g}", x); }

std::string samples_text(std::size_t count) { return counted(count, "sample", "samples"); }

/// Why there is no percentile; empty: there are some.
std::string no_density(const TensorStatistics& tensor) {
  if (!tensor.range().seen()) return "no sample computed it";
  return tensor.histogram.empty() ? "there is no histogram" : "";
}

/// How much lies in each of so many steps from the smallest to the largest number.
std::vector<double> shares(const ValueDensity& density, double low, double high, std::size_t steps) {
  std::vector<double> counts(steps, 0.0);
  const double width = (high - low) / static_cast<double>(steps);
  for (const ValueDensity::Piece& piece : density.pieces()) {
    const auto at = [&](double x) {
      return std::clamp(static_cast<std::ptrdiff_t>((x - low) / width), std::ptrdiff_t{0},
                        static_cast<std::ptrdiff_t>(steps) - 1);
    };
    // Narrow pieces: where their middle is.
    counts[static_cast<std::size_t>(at((piece.low + piece.high) / 2.0))] += piece.count;
  }
  for (double& count : counts) count /= density.total();
  return counts;
}

/// A bar for each step, as long as the logarithm of what it holds, so that single outliers are seen.
std::string plot(const ValueDensity& density, const Range& range) {
  constexpr std::size_t kSteps = 20;
  constexpr double kWidth = 50.0;
  const auto low = static_cast<double>(range.min), high = static_cast<double>(range.max);
  if (low >= high) return "";
  const std::vector<double> parts = shares(density, low, high, kSteps);
  const double smallest = 1.0 / density.total();
  std::string text = "From min to max (bars grow with the logarithm of the share):\n";
  for (std::size_t i = 0; i < kSteps; ++i) {
    const double from = low + (high - low) * static_cast<double>(i) / static_cast<double>(kSteps);
    const double length =
        parts[i] > 0 ? 1.0 + (kWidth - 1.0) * (1.0 - std::log(parts[i]) / std::log(std::min(smallest, 0.5)))
                     : 0.0;
    const std::string share = parts[i] > 0 ? fmt::format("{:.4g} %", 100.0 * parts[i]) : "";
    text += fmt::format("  {:>11} {:>10}  {}\n", number(from), share,
                        std::string(static_cast<std::size_t>(std::lround(length)), '#'));
  }
  return text + "\n";
}

std::vector<double> magnitude_percentiles(const TensorStatistics& tensor) {
  const ValueDensity density = ValueDensity(tensor.histogram, tensor.range()).of_magnitudes();
  std::vector<double> found;
  for (const double each : kMagnitudePercentiles) found.push_back(density.quantile(each / 100.0));
  return found;
}

Table sample_table(const Statistics& statistics, const TensorStatistics& tensor) {
  constexpr std::size_t kMost = 20;
  Table table;
  table.headers = {"sample", "min", "max", "elements"};
  for (std::size_t i = 0; i < std::min(kMost, statistics.samples.size()); ++i) {
    const Range& range = tensor.by_sample[i];
    const bool some = range.finite > 0;
    table.rows.push_back({statistics.samples[i].name, some ? number(range.min) : "",
                          some ? number(range.max) : "",
                          std::to_string(range.finite + range.infinite + range.nan)});
  }
  if (statistics.samples.size() > kMost) {
    table.rows.push_back({fmt::format("and {} more", statistics.samples.size() - kMost), "", "", ""});
  }
  return table;
}

/// The channels that reach the farthest.
Table channel_table(const ChannelStatistics& channels) {
  constexpr std::size_t kMost = 8;
  std::vector<std::size_t> order(channels.channels());
  for (std::size_t c = 0; c < order.size(); ++c) order[c] = c;
  const auto reach = [&](std::size_t c) {
    return std::max(std::fabs(channels.min[c]), std::fabs(channels.max[c]));
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return reach(a) > reach(b); });
  Table table;
  table.headers = {"channel", "min", "max", "mean"};
  for (std::size_t i = 0; i < std::min(kMost, order.size()); ++i) {
    const std::size_t c = order[i];
    table.rows.push_back(
        {std::to_string(c), number(channels.min[c]), number(channels.max[c]), number(channels.mean(c))});
  }
  return table;
}

nlohmann::ordered_json range_json(const Range& range) {
  nlohmann::ordered_json json;
  json["min"] = range.finite > 0 ? nlohmann::ordered_json(range.min) : nullptr;
  json["max"] = range.finite > 0 ? nlohmann::ordered_json(range.max) : nullptr;
  json["finite"] = range.finite;
  json["infinite"] = range.infinite;
  json["nan"] = range.nan;
  return json;
}

/// Of samples that the model was fed from other files before.
void remark_on_repeated(std::span<const SampleIdentity> before, const Statistics& more,
                        const std::string& file, Diagnostics& diagnostics) {
  std::unordered_map<std::string_view, const SampleIdentity*> known;
  for (const SampleIdentity& sample : before) known.emplace(sample.digest, &sample);
  std::size_t repeated = 0;
  std::string first;
  for (const SampleIdentity& sample : more.samples) {
    const auto found = known.find(sample.digest);
    if (found == known.end()) continue;
    if (++repeated == 1) first = fmt::format("'{}' is '{}'", sample.name, found->second->name);
  }
  if (repeated == 0) return;
  diagnostics.warning(
      codes::kBadStatistics,
      fmt::format("{} of its {} {} in the files before it under another name ({}), and so "
                  "counted twice",
                  repeated, samples_text(more.samples.size()), repeated == 1 ? "is" : "are", first),
      {file});
}

}  // namespace

Statistics merge_statistics(const std::vector<std::filesystem::path>& files, Diagnostics& diagnostics) {
  Statistics all = read_statistics(files.front());
  for (std::size_t i = 1; i < files.size(); ++i) {
    const Statistics more = read_statistics(files[i]);
    const std::vector<SampleIdentity> before = all.samples;
    if (const auto why = merge(all, more)) {
      throw Fatal(codes::kBadStatistics,
                  fmt::format("it cannot be merged with {}: {}",
                              i == 1 ? files.front().string() : "the files before it", *why),
                  {files[i].string()});
    }
    remark_on_repeated(before, more, files[i].string(), diagnostics);
  }
  return all;
}

std::string to_text(const Statistics& statistics) {
  Page page;
  page.line(fmt::format("{} ({}): {}, {}", statistics.model, statistics.model_digest,
                        counted(statistics.tensors.size(), "tensor", "tensors"),
                        samples_text(statistics.samples.size())));
  if (!statistics.preprocessing.empty()) page.line("Preprocessing: " + statistics.preprocessing);
  if (!statistics.shards.all()) page.line(fmt::format("Only {}", to_text(statistics.shards)));
  page.line("");
  Table table;
  table.headers = {"tensor", "min", "max", "99.99 % of |x|", "times"};
  for (const TensorStatistics& tensor : statistics.tensors) {
    const Range range = tensor.range();
    const bool some = range.finite > 0;
    std::string most, times;
    if (some && !tensor.histogram.empty()) {
      const double percentile = magnitude_percentiles(tensor)[2];
      most = number(percentile);
      if (percentile > 0) times = fmt::format("{:.3g}", static_cast<double>(range.magnitude()) / percentile);
    }
    table.rows.push_back({tensor.name, some ? number(range.min) : no_density(tensor),
                          some ? number(range.max) : "", most, times});
  }
  page.simple(table);
  page.line("times: how far the largest magnitude lies beyond 99.99 % of all");
  return page.take();
}

nlohmann::ordered_json to_json(const Statistics& statistics) {
  nlohmann::ordered_json json = {
      {"model", statistics.model},
      {"model_digest", statistics.model_digest},
      {"preprocessing", statistics.preprocessing},
      {"histograms", statistics.histograms},
      {"channels", statistics.channels},
      {"shards", {{"of", statistics.shards.of}, {"present", statistics.shards.present}}},
      {"samples", nlohmann::ordered_json::array()},
      {"tensors", nlohmann::ordered_json::array()}};
  for (const SampleIdentity& sample : statistics.samples) {
    json["samples"].push_back({{"name", sample.name}, {"digest", sample.digest}});
  }
  for (const TensorStatistics& tensor : statistics.tensors) {
    nlohmann::ordered_json row = {{"name", tensor.name}};
    row.update(range_json(tensor.range()));
    json["tensors"].push_back(std::move(row));
  }
  return json;
}

std::string tensor_text(const Statistics& statistics, const std::string& name, const std::string& file) {
  const TensorStatistics& tensor = named(statistics, name, file);
  const Range range = tensor.range();
  Page page;
  page.line(fmt::format("{}, {}", tensor.name, samples_text(statistics.samples.size())));
  if (range.finite > 0) {
    page.line(fmt::format("{} to {}, {} elements", number(range.min), number(range.max), range.finite));
  }
  if (!range.all_finite()) page.line(fmt::format("{} NaN, {} infinite", range.nan, range.infinite));
  page.line("");
  if (const std::string why = no_density(tensor); !why.empty()) {
    page.line("No percentiles: " + why);
  } else {
    const ValueDensity density(tensor.histogram, range);
    Table table;
    table.headers = {"percentile of x", "", "of |x|", ""};
    const std::vector<double> magnitudes = magnitude_percentiles(tensor);
    for (std::size_t i = 0; i < kPercentiles.size(); ++i) {
      const bool both = i < magnitudes.size();
      table.rows.push_back({number(kPercentiles[i]), number(density.quantile(kPercentiles[i] / 100.0)),
                            both ? fmt::format("{}", kMagnitudePercentiles[i]) : "",
                            both ? number(magnitudes[i]) : ""});
    }
    page.simple(table);
    page.line(plot(density, range));
  }
  page.simple(sample_table(statistics, tensor));
  if (tensor.channels && tensor.channels->channels() > 1) {
    page.line(fmt::format("The channels (axis {}) that reach the farthest, of {}:", tensor.channel_axis,
                          tensor.channels->channels()));
    page.simple(channel_table(*tensor.channels));
  }
  return page.take();
}

nlohmann::ordered_json tensor_json(const Statistics& statistics, const std::string& name,
                                   const std::string& file) {
  const TensorStatistics& tensor = named(statistics, name, file);
  nlohmann::ordered_json json = {{"name", tensor.name}};
  json.update(range_json(tensor.range()));
  json["samples"] = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < statistics.samples.size(); ++i) {
    nlohmann::ordered_json row = {{"name", statistics.samples[i].name}};
    row.update(range_json(tensor.by_sample[i]));
    json["samples"].push_back(std::move(row));
  }
  if (!tensor.histogram.empty()) {
    const ValueDensity density(tensor.histogram, tensor.range());
    for (const double each : kPercentiles) json["percentiles"][number(each)] = density.quantile(each / 100.0);
    const std::vector<double> magnitudes = magnitude_percentiles(tensor);
    for (std::size_t i = 0; i < magnitudes.size(); ++i) {
      json["magnitude_percentiles"][fmt::format("{}", kMagnitudePercentiles[i])] = magnitudes[i];
    }
    json["mean"] = density.mean();
    json["standard_deviation"] = density.standard_deviation();
    for (const ValueDensity::Piece& piece : density.pieces()) {
      json["histogram"].push_back({piece.low, piece.high, static_cast<std::uint64_t>(piece.count)});
    }
  }
  if (tensor.channels) {
    json["channel_axis"] = tensor.channel_axis;
    for (std::size_t c = 0; c < tensor.channels->channels(); ++c) {
      json["channels"].push_back({{"min", tensor.channels->min[c]},
                                  {"max", tensor.channels->max[c]},
                                  {"mean", tensor.channels->mean(c)}});
    }
  }
  return json;
}

}  // namespace qprep
