#include "prepare_summary.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>
#include <vector>

#include "console.h"
#include "report/diagnostics_json.h"

namespace qprep {
namespace {

/// "812 B", "24.1 kB", "1.1 MB".
std::string size_text(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1000;
  for (const char* unit : {"kB", "MB"}) {
    if (value < 999.95) return fmt::format("{:.1f} {}", value, unit);
    value /= 1000;
  }
  return fmt::format("{:.1f} GB", value);
}

std::string counted(std::size_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

/// "12 activations qint8, 3 activations qint16"; nothing for no tensors.
std::string dtype_text(const DtypeCounts& counts, std::string_view kind) {
  std::string text;
  for (const auto& [dtype, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counted(count, kind), dtype);
  }
  return text;
}

std::string quantised_text(const PrepareResult& result) {
  std::string text;
  for (const auto& part : {dtype_text(result.activations, "activation"), dtype_text(result.weights, "weight"),
                           dtype_text(result.constants, "constant")}) {
    if (part.empty()) continue;
    text += (text.empty() ? "" : ", ") + part;
  }
  return text.empty() ? "nothing" : text;
}

std::string units_text(std::size_t sequences, std::size_t composites, std::string_view between) {
  std::string text;
  if (sequences > 0 || composites == 0) text = counted(sequences, "sequence");
  if (composites > 0)
    text += (text.empty() ? "" : std::string(between)) + counted(composites, "composite operator");
  return text;
}

/// "12 sequences, 3 composite operators; 1 sequence could be and is not"; where the configuration fuses
/// nothing, "nothing; 3 composite operators recognised", which is no fusion.
std::string fused_text(const PrepareResult& result) {
  std::string fused = units_text(result.fused, result.composites, ", ");
  if (result.fuses_nothing) {
    fused = result.fused > 0 ? counted(result.fused, "sequence") : "nothing";
    if (result.composites > 0) {
      fused += fmt::format("; {} recognised", counted(result.composites, "composite operator"));
    }
  }
  const std::size_t missed = result.not_fused + result.missed_composites;
  if (missed == 0) return fused;
  return fmt::format("{}; {} could be and {} not", fused,
                     units_text(result.not_fused, result.missed_composites, " and "),
                     missed == 1 ? "is" : "are");
}

std::string messages_text(const Diagnostics& diagnostics) {
  const std::size_t notes = diagnostics.count(Severity::kNote);
  const std::size_t warnings = diagnostics.count(Severity::kWarning);
  std::string text;
  if (warnings > 0) text = counted(warnings, "warning");
  if (notes > 0) text += (text.empty() ? "" : ", ") + counted(notes, "note");
  return text;
}

using Rows = std::vector<std::pair<std::string, std::string>>;

void add_files(Rows& rows, const PrepareResult& result) {
  std::size_t widest = 0;
  std::size_t widest_size = 0;
  for (const OutputFile& file : result.files) {
    widest = std::max(widest, file.path.string().size());
    widest_size = std::max(widest_size, size_text(file.bytes).size());
  }
  for (const OutputFile& file : result.files) {
    rows.emplace_back(rows.empty() ? "wrote" : "", fmt::format("{:<{}}  {:>{}}", file.path.string(), widest,
                                                               size_text(file.bytes), widest_size));
  }
  if (!result.stopped_after.empty()) {
    rows.emplace_back("wrote", fmt::format("nothing: stopped after {}", result.stopped_after));
  }
}

void add_times(Rows& rows, const PrepareResult& result) {
  std::size_t widest = 0;
  for (const PassTime& pass : result.passes) widest = std::max(widest, pass.name.size());
  bool first = true;
  for (const PassTime& pass : result.passes) {
    rows.emplace_back(first ? "passes" : "",
                      fmt::format("{:<{}}  {:>9.3f} ms", pass.name, widest, pass.seconds * 1000));
    first = false;
  }
}

}  // namespace

std::string to_text(const PrepareResult& result, const Diagnostics& diagnostics, bool times) {
  Rows rows;
  add_files(rows, result);
  if (result.decided) {
    rows.emplace_back("nodes", fmt::format("{} on the BPU in {}, {} on the CPU", result.bpu_nodes,
                                           counted(result.segments, "segment"), result.cpu_nodes));
    rows.emplace_back("fused", fused_text(result));
    rows.emplace_back("quantised", quantised_text(result));
  }
  rows.emplace_back("opset",
                    result.opset_before == result.opset_after
                        ? fmt::format("{}", result.opset_after)
                        : fmt::format("raised from {} to {}", result.opset_before, result.opset_after));
  if (result.samples > 0) {
    std::string text =
        fmt::format("{} from {}", counted(result.calibrated, "tensor"), counted(result.samples, "sample"));
    if (result.uncalibrated > 0) text += fmt::format("; {} without a scale, float", result.uncalibrated);
    rows.emplace_back("calibrated", text);
  }
  if (const std::string method = method_line(result.calibration); !method.empty())
    rows.emplace_back("method", method);
  if (result.sensitivity.any())
    rows.emplace_back("sensitivity", to_line(result.sensitivity) + " (in the check result)");
  const std::string messages = messages_text(diagnostics);
  if (!messages.empty()) {
    rows.emplace_back("messages", messages + (result.stopped_after.empty() ? " (in the check result)" : ""));
  }
  if (times) add_times(rows, result);
  rows.emplace_back("time", fmt::format("{:.2f} s", result.seconds));

  const std::string target = result.march.empty() ? "" : fmt::format(" for {}", result.march);
  std::string text = fmt::format("{} ({}){}\n", result.model, size_text(result.bytes_read), target);
  for (const auto& [name, value] : rows) text += fmt::format("  {:<11} {}\n", name, value);
  return text;
}

nlohmann::ordered_json to_json(const PrepareResult& result, const Diagnostics& diagnostics) {
  nlohmann::ordered_json json;
  json["ok"] = true;
  json["model"] = result.model;
  json["bytes_read"] = result.bytes_read;
  json["march"] =
      result.march.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(result.march);
  json["files"] = nlohmann::ordered_json::array();
  for (const OutputFile& file : result.files) {
    json["files"].push_back({{"path", file.path.string()}, {"bytes", file.bytes}});
  }
  if (!result.stopped_after.empty()) json["stopped_after"] = result.stopped_after;
  if (result.decided) {
    json["nodes"] = {{"bpu", result.bpu_nodes}, {"cpu", result.cpu_nodes}, {"segments", result.segments}};
    json["fused"] = result.fused;
    json["not_fused"] = result.not_fused;
    json["composites"] = result.composites;
    json["missed_composites"] = result.missed_composites;
    json["quantised"] = {
        {"activations", result.activations}, {"weights", result.weights}, {"constants", result.constants}};
  }
  json["opset"] = {{"before", result.opset_before}, {"after", result.opset_after}};
  json["calibration"] = {
      {"samples", result.samples}, {"calibrated", result.calibrated}, {"uncalibrated", result.uncalibrated}};
  const MethodTrial* best = result.calibration.best();
  json["calibration"]["method"] = best ? to_json(*best) : nlohmann::ordered_json(nullptr);
  json["sensitivity"] =
      result.sensitivity.any() ? to_json(result.sensitivity) : nlohmann::ordered_json(nullptr);
  json["passes"] = nlohmann::ordered_json::array();
  for (const PassTime& pass : result.passes) {
    json["passes"].push_back({{"name", pass.name}, {"seconds", pass.seconds}});
  }
  json["seconds"] = result.seconds;
  json["diagnostics"] = to_json(diagnostics.all());
  return json;
}

}  // namespace qprep
