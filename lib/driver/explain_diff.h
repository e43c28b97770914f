#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/diagnostics.h"

namespace qprep {

/// A slot that two configurations decide differently.
struct PlanDifference {
  std::string node, slot;     // "output", "weight", "device"
  std::string first, second;  // "qint8", "CPU"
  std::string first_because, second_because;
};

struct DiffOptions {
  std::filesystem::path model;
  std::string first, second;      // configurations; empty: the defaults
  std::filesystem::path configs;  // the folder that holds op_classes.yaml and its like
};

/// What changes from the first configuration to the second, graph inputs first, then nodes in graph order.
/// Throws Fatal; of both configurations, what prepare cannot carry out yet is a warning.
std::vector<PlanDifference> explain_diff(const DiffOptions& options, Diagnostics& diagnostics);

std::string to_text(const std::vector<PlanDifference>& differences);
nlohmann::ordered_json to_json(const std::vector<PlanDifference>& differences);

}  // namespace qprep
