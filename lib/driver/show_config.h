#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "config/yaml_write.h"
#include "support/diagnostics.h"

/// What `qprep config show` answers: a configuration with all that holds where it says nothing.
namespace qprep {

/// A setting that the configuration comes to. `setting`: "qprep.yaml:4:7 module_name 'head'"; `says`:
/// "qint16".
struct ShownSetting {
  std::string setting, slot, says;
  bool names_nodes = false;          // else it holds for whatever nobody names
  std::vector<std::string> matches;  // with a model: names of nodes and graph inputs, as the model has them
};

struct ShownConfig {
  std::string file;
  std::shared_ptr<const YamlNode> document;  // what the file says and the defaults; paths are absolute
  std::vector<ShownSetting> settings;        // the one of the highest priority first
  bool with_model = false;
};

struct ShowOptions {
  std::string config;
  std::optional<std::filesystem::path> model;
  std::filesystem::path configs;  // the folder that holds defaults.yaml and, for a model, op_classes.yaml
};

/// Throws Fatal with every mistake of the configuration, and where the model cannot be read; with a model,
/// also where a selector matches nothing. What prepare cannot do yet is a warning.
ShownConfig show_config(const ShowOptions& options, Diagnostics& diagnostics);

/// A configuration again, with the origin of each value and the settings as comments.
std::string to_text(const ShownConfig& shown);
nlohmann::ordered_json to_json(const ShownConfig& shown);

}  // namespace qprep
