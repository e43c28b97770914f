#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "driver/decided.h"
#include "report/report.h"

/// `qprep check`: what runs where, without data and without ONNX Runtime.
namespace qprep {

struct CheckOptions {
  std::string config;             // a file; empty: all defaults
  std::filesystem::path configs;  // the folder that holds op_classes.yaml and its like
  std::filesystem::path folder;   // for what is written; made if absent; empty: nothing is written
  Overrides overrides;
  bool picture = true;       // the segments are drawn beside what is written
  bool no_fallback = false;  // what computes on the CPU is an error
  /// Of nodes that may: names, scopes and patterns, or operators, as selectors of a configuration write them.
  std::vector<std::string> allowed;
};

/// How another target fares with the same model and configuration.
struct OtherTarget {
  std::string march;
  std::size_t refused = 0;        // nodes that it cannot run on the BPU
  std::vector<std::string> runs;  // those that the target cannot run, and that run on its BPU
};

struct CheckedModel {
  Report report;
  std::size_t refused_by_target = 0;  // nodes that the target cannot run on the BPU
  std::size_t run_if_asked = 0;       // nodes that it runs there only where a setting asks for it
  /// Those that refuse fewer, the best first. Empty where the target refuses nothing.
  std::vector<OtherTarget> better_targets;
  bool looked_for_better = true;       // false: the model is too large to try others for nothing
  std::vector<std::string> refused;    // nodes that compute on the CPU and are not allowed to
  std::vector<std::string> open_axes;  // of the inputs, see open_axes()
  std::vector<std::filesystem::path> files;
  std::shared_ptr<const Decided> decided;  // what it tells of, whose end costs a large model some time
};

/// Result: what `prepare` would decide. With no_fallback, an error in `diagnostics` for each node of
/// `refused`, the first hundred of them. Throws Fatal. Writes model_check_result.txt and .json,
/// deploy_device.txt and <prefix>_segments.dot and .svg into the folder.
CheckedModel check_model(const std::filesystem::path& model, const CheckOptions& options,
                         Diagnostics& diagnostics);

std::string to_text(const CheckedModel& checked);
nlohmann::ordered_json to_json(const CheckedModel& checked);

}  // namespace qprep
