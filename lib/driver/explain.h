#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "driver/explained.h"
#include "support/diagnostics.h"

/// What `qprep explain` answers: which line of the configuration decided what. docs/cli.md describes it
/// for users.
namespace qprep {

/// A row of the table of settings: of how many nodes and inputs it speaks, how many decisions it makes, how
/// many it cannot affect, and to which rows (counted from 1; 0: to rules of placement) it loses how often.
struct SettingRow {
  std::string setting, slot, says;
  std::size_t spoken = 0, won = 0, vain = 0;
  std::vector<std::pair<std::size_t, std::size_t>> lost_to;
  bool names_nodes = false;  // else it holds for whatever nobody names, and `spoken` counts nothing
};

struct Explanation {
  std::vector<ExplainedNode> nodes;  // those that were asked for: inputs, constants, nodes
  std::vector<std::string> gone;     // sentences on those that rewriting took out
  std::vector<SettingRow> settings;  // if none was asked for: all, the one of the highest priority first
};

struct ExplainOptions {
  std::filesystem::path model;
  std::string config;              // empty: the defaults
  std::vector<std::string> names;  // selectors; empty: the table of settings
  std::filesystem::path configs;   // the folder that holds op_classes.yaml and its like
};

/// Reads the model and decides as `prepare` would, and writes nothing. Throws Fatal, also for a name that
/// matches nothing; what the configuration says and prepare cannot do yet is a warning here.
Explanation explain(const ExplainOptions& options, Diagnostics& diagnostics);

std::string to_text(const Explanation& explanation);
nlohmann::ordered_json to_json(const Explanation& explanation);

}  // namespace qprep
