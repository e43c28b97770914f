#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/diagnostics.h"

/// What `qprep explain` answers: which line of the configuration decided what. docs/explain.md describes it
/// for users.
namespace qprep {

/// A setting that speaks of a slot. `setting`: "qprep.yaml:4:7 module_name 'head'"; `precision`: "qint16".
struct ExplainedSetting {
  std::string setting, precision;
  std::string node;  // of a unit, the node that it names; else empty
};

/// A slot of a node: what it holds now, why, and what was said of it, the winner first.
struct ExplainedSlot {
  std::string slot;       // "output", "weight"
  std::string precision;  // "qint8", "float32", "int64"
  std::string because;
  std::vector<ExplainedSetting> settings;
};

/// A node, or a graph input: then op is "input", and there is no device.
struct ExplainedNode {
  std::string name, op, device, because;
  std::vector<std::string> unit;  // the names of its nodes, if there are several
  std::vector<std::string> absorbed;
  std::vector<ExplainedSlot> slots;
};

/// A row of the table of settings: of how many nodes and inputs it speaks, and for how many it wins.
struct SettingRow {
  std::string setting, slot, precision;
  std::size_t spoken = 0, won = 0;
  bool names_nodes = false;  // else it holds for whatever nobody names, and is not counted
};

struct Explanation {
  std::vector<ExplainedNode> nodes;  // those that were asked for, inputs first, in graph order
  std::vector<SettingRow> settings;  // if none was asked for: all, the one of the highest priority first
};

struct ExplainOptions {
  std::filesystem::path model;
  std::string config;              // empty: the defaults
  std::vector<std::string> names;  // selectors; empty: the table of settings
  std::filesystem::path configs;   // the folder that holds op_classes.yaml and fusion.yaml
};

/// Reads the model and decides as `prepare` would, and writes nothing. Throws Fatal, also for a name that
/// matches nothing; what the configuration says and prepare cannot do yet is a warning here.
Explanation explain(const ExplainOptions& options, Diagnostics& diagnostics);

std::string to_text(const Explanation& explanation);
nlohmann::ordered_json to_json(const Explanation& explanation);

}  // namespace qprep
