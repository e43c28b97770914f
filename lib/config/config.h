#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/yaml_reader.h"
#include "plan/plan.h"
#include "plan/setting.h"
#include "support/diagnostics.h"

/// qprep's own configuration. docs/config.md describes it for users.
namespace qprep {

/// How a calibrated model is written: FakeQuantize functions with active scales, or
/// QuantizeLinear/DequantizeLinear.
enum class Dialect { kFunction, kQdq };
/// Which models are written.
enum class Form { kQat, kFixedPoint, kBoth };

std::string_view to_text(Dialect dialect);
std::string_view to_text(Form form);

struct CalibrationConfig {
  std::string data;  // a folder; relative ones were resolved against the configuration's folder
  std::string method = "min_max";
  Where where;  // of `data`
};

/// A configuration after reading, defaults filled in. A value whose `where` has no file is a default.
struct Config {
  std::string file;  // empty: no file, everything is default
  Placed<std::string> march = {"bayes", {}};
  Placed<std::string> method = {"jit_strip", {}};
  std::optional<Placed<std::string>> prefix;  // of output file names
  Placed<Dialect> dialect = {Dialect::kFunction, {}};
  Placed<Form> form = {Form::kQat, {}};
  std::optional<CalibrationConfig> calibration;
  Placed<Precision> weights = {Precision::kInt8, {}};
  Placed<Precision> activations = {Precision::kInt8, {}};
  std::vector<Setting> setters;        // of hybrid and qconfig_setter, the first wins
  std::vector<Setting> usual_aspects;  // what weights and activations say besides the dtype
  std::vector<Diagnostic> not_yet;     // errors for prepare: what is correct, but cannot be carried out yet
};

/// Throws Fatal with every mistake of the file, each with its line and column; the first 100 of more.
Config read_config(const std::string& file);
/// The same for text in memory; `file` is its name in messages, relative paths are taken from its folder.
Config parse_config(std::string_view text, const std::string& file);

/// Everything that the configuration says of precision, the settings of the highest priority first.
std::vector<Setting> settings(const Config& config);

}  // namespace qprep
