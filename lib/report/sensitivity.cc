#include "report/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <span>

#include "report/page.h"

namespace qprep {
namespace {

constexpr std::size_t kMost = 10;  // tensors in the text

std::string decibels(double error) {
  if (!std::isfinite(error)) return "not finite";
  return error > 0 ? fmt::format("{:.1f}", -10.0 * std::log10(error)) : "exact";
}

/// "none", "the first 3", "all 57".
std::string which(const Sensitivity::Step& step, std::size_t all) {
  if (step.tensors == 0) return "none, as it is written";
  return step.tensors == all ? fmt::format("all {}", all) : fmt::format("the first {}", step.tensors);
}

/// Of what all tensors cost, each by itself.
double sum_of(std::span<const TensorCost> tensors) {
  double sum = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (i == 0 || tensors[i].group != tensors[i - 1].group) sum += tensors[i].error;
  }
  return sum;
}

std::string share_of(double error, double sum) {
  return std::isfinite(sum) ? fmt::format("{:.1f} %", sum > 0 ? 100 * error / sum : 0.0) : "";
}

Table costs(const Sensitivity& sensitivity) {
  const double sum = sum_of(sensitivity.tensors);
  Table table{{"tensor", "made by", "share", "alone, dB"}, {}};
  table.align = {Table::Align::kLeft, Table::Align::kLeft, Table::Align::kRight, Table::Align::kRight};
  for (std::size_t i = 0; i < std::min(kMost, sensitivity.tensors.size()); ++i) {
    const TensorCost& each = sensitivity.tensors[i];
    const bool with_last = i > 0 && each.group == sensitivity.tensors[i - 1].group;
    table.rows.push_back({each.tensor, each.op, with_last ? "same scale" : share_of(each.error, sum),
                          with_last ? "" : decibels(each.error)});
  }
  return table;
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",;|\t\"' ") == std::string::npos) return text;
  std::string cell = "\"";
  for (const char c : text) {
    if (c == '"') cell += '"';
    cell += c;
  }
  return cell + '"';
}

}  // namespace

const Sensitivity::Step& Sensitivity::most() const {
  const double most = 0.95 * sum_of(tensors);
  return *std::find_if(steps.begin(), steps.end(), [&](const Step& step) {
    return sum_of(std::span(tensors).first(step.tensors)) >= most;
  });
}

std::string to_text(const Sensitivity& sensitivity, const SensitivityAdvice& advice) {
  if (!sensitivity.any()) return "";
  Page page;
  const std::string samples = counted(sensitivity.samples, "sample", "samples");
  page.line(
      fmt::format("What int8 costs {} of the quantised model, over {} (signal to error, dB; other samples "
                  "give other numbers):",
                  counted(sensitivity.results, "result", "results"), samples));
  Table steps{{"tensors", "in int16", "in float"}, {}};
  steps.align = {Table::Align::kLeft, Table::Align::kRight, Table::Align::kRight};
  for (const Sensitivity::Step& step : sensitivity.steps)
    steps.rows.push_back({which(step, sensitivity.tensors.size()), decibels(step.with_int16),
                          step.tensors > 0 ? decibels(step.with_float) : ""});
  page.simple(steps);
  page.line("The tensors, the most costly first:");
  page.simple(costs(sensitivity));
  if (sensitivity.weights_lose_most()) {
    page.line(
        "The weights lose most of it: 'weights: {dtype: qint16}', or layers in float, bring more than this.");
  }
  if (!sensitivity.brings_more()) {
    page.line(fmt::format("{} has all {}; {} for them brings no more.", advice.table,
                          sensitivity.raised.size() + sensitivity.tensors.size(),
                          sensitivity.wants_float() ? "float" : "int16"));
    return page.take();
  }
  const std::string before =
      sensitivity.raised.empty()
          ? ""
          : fmt::format(", {} that a table raised already among them", sensitivity.raised.size());
  page.line(fmt::format("{} has all {}; to have the first {}{} in {}{}:", advice.table,
                        sensitivity.raised.size() + sensitivity.tensors.size(), sensitivity.worth_raising(),
                        before, sensitivity.wants_float() ? "float" : "int16", advice.where));
  for (const std::string& line : advice.lines) page.line("  " + line);
  return page.take();
}

std::string to_line(const Sensitivity& sensitivity) {
  const Sensitivity::Step& most = sensitivity.most();
  const bool in_float = sensitivity.wants_float();
  if (!std::isfinite(sensitivity.steps.front().with_int16)) {
    return fmt::format("results are not finite over {} where the float model's are",
                       counted(sensitivity.samples, "sample", "samples"));
  }
  if (!sensitivity.brings_more()) {
    return fmt::format("results at {} dB over {}; no tensor in {} brings more",
                       decibels(sensitivity.steps.front().with_int16),
                       counted(sensitivity.samples, "sample", "samples"), in_float ? "float" : "int16");
  }
  return fmt::format("results at {} dB over {}; {} dB with {} of {} in {}",
                     decibels(sensitivity.steps.front().with_int16),
                     counted(sensitivity.samples, "sample", "samples"),
                     decibels(in_float ? most.with_float : most.with_int16), most.tensors,
                     counted(sensitivity.tensors.size(), "tensor", "tensors"), in_float ? "float" : "int16");
}

std::string to_csv(const Sensitivity& sensitivity) {
  std::string csv = "op_name,sensitive_type,op_type,error,dtype\n";
  for (const std::string& tensor : sensitivity.raised)
    csv += csv_cell(tensor) + ",activation,,raised,qint8\n";
  for (const TensorCost& each : sensitivity.tensors) {
    csv += fmt::format("{},activation,{},{:.6g},{}\n", csv_cell(each.tensor), csv_cell(each.op), each.error,
                       each.dtype);
  }
  return csv;
}

nlohmann::ordered_json to_json(const Sensitivity& sensitivity) {
  nlohmann::ordered_json json = {{"samples", sensitivity.samples},
                                 {"results", sensitivity.results},
                                 {"raised", sensitivity.raised},
                                 {"steps", nlohmann::ordered_json::array()},
                                 {"tensors", nlohmann::ordered_json::array()}};
  for (const Sensitivity::Step& step : sensitivity.steps)
    json["steps"].push_back(
        {{"tensors", step.tensors}, {"error_int16", step.with_int16}, {"error_float", step.with_float}});
  for (const TensorCost& each : sensitivity.tensors) {
    json["tensors"].push_back({{"tensor", each.tensor},
                               {"op", each.op},
                               {"dtype", each.dtype},
                               {"error", each.error},
                               {"scale", each.group}});
  }
  return json;
}

}  // namespace qprep
