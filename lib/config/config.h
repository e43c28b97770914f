#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/fusing.h"
#include "config/yaml_reader.h"
#include "plan/method_search.h"
#include "plan/observer.h"
#include "plan/plan.h"
#include "plan/preprocessing.h"
#include "plan/sample_spec.h"
#include "plan/setting.h"
#include "support/diagnostics.h"

/// A configuration, whatever way it is written. docs/config.md describes qprep's own for users,
/// docs/config_hb_mapper.md and docs/config_hmct.md those of other tools.
namespace qprep {

/// How a calibrated model is written: FakeQuantize functions with active scales, QuantizeLinear and
/// DequantizeLinear, or the vendor's HzQuantize and HzDequantize.
enum class Dialect { kFunction, kQdq, kHorizon };
/// Which models are written.
enum class Form { kQat, kFixedPoint, kBoth };

/// What becomes of operators that are written out as several nodes and that ONNX has by now.
enum class CompositeForm { kKeep, kModern };

std::string_view to_text(Dialect dialect);
std::string_view to_text(Form form);

/// The samples of one input as hb_mapper takes them: a folder of files that hold nothing but numbers.
struct RawSamples {
  std::string folder;
  bool bytes = false;  // uint8; else float32
};

/// How the ranges of some tensors are found, by their names or those of the nodes that make them.
struct ObserverFor {
  Placed<std::string> selector;
  ObserverSpec spec;
};

struct CalibrationConfig {
  /// A folder or a list of files (.txt); relative ones were resolved against the configuration's folder. The
  /// configuration itself where `files` are its list.
  std::string data;
  ObserverSpec observer = {};                   // of all tensors but those that `tensors` names
  std::optional<MethodSearch> search = {};      // what method auto compares; nullopt: as it thinks best
  Where where = {};                             // of `data`, or of all of it
  std::vector<Placed<std::string>> files = {};  // as written, relative to the configuration's folder
  std::vector<SampleSpec> inputs = {};          // what is done to the samples, in the order of the file
  std::vector<StateLink> state = {};            // of samples of several steps
  std::vector<RawSamples> raw = {};             // one for each input, instead of `data`
  std::vector<ObserverFor> tensors = {};        // the first that names a tensor holds
  std::optional<bool> bias_correction = {};     // biases make up for what rounding the weights shifts
  bool corrects_biases() const { return bias_correction.value_or(observer.observer == Observer::kAuto); }
  /// Weights are rounded so that what layers make of the samples changes least; false: each to its nearest;
  /// nullopt: the former with method auto where weights are what the results lose much by.
  std::optional<Placed<bool>> weight_rounding = {};
  bool keep = false;                                 // the statistics are written beside the models
  std::optional<Placed<std::uint64_t>> memory = {};  // bytes that what is kept of tensors may take
  std::optional<Placed<std::int64_t>> batch = {};    // samples that are inferred at once; nullopt: 1
  std::optional<Placed<bool>> compare = {};  // run samples through the quantised model, too; nullopt: true
  bool compares() const { return !compare || compare->value; }
  std::optional<Placed<bool>> sensitivity =
      {};  // which tensors cost the results most; nullopt: if they are far off
};

/// How another tool cuts a model at its ends before anything else.
struct GraphCuts {
  std::vector<Placed<std::string>> outputs;  // nodes or tensors: the model's outputs from now on
  std::vector<Placed<std::string>>
      remove_types;  // operators that go from both ends, as long as there are some
  std::vector<Placed<std::string>> remove_nodes;  // nodes that go from an end

  bool any() const { return !outputs.empty() || !remove_types.empty() || !remove_nodes.empty(); }
};

/// A size that the model leaves open: of the axes with that symbol, or of axis i of an input, "image[0]".
struct OpenSize {
  std::string axis;
  std::int64_t size = 0;
};

/// Where method jit_strip draws the borders of what is quantised, by the names of tensors or nodes. A side
/// that names nothing is found by rule.
struct Stubs {
  std::vector<Placed<std::string>> inputs;   // what leads to these, and makes them, stays float
  std::vector<Placed<std::string>> outputs;  // what depends on these stays float
};

/// A configuration after reading, defaults filled in. A value whose `where` has no file is a default.
struct Config {
  std::string file;                                 // empty: no file, everything is default
  Placed<std::string> march = {"bayes", {}};        // a default is a name for the report, and changes nothing
  std::optional<std::vector<std::string>> replace;  // names of replacements; nullopt: those of the march
  Placed<std::string> method = {"jit_strip", {}};
  std::vector<Placed<OpenSize>> dims;
  std::optional<Placed<bool>> hybrid;               // false: what the BPU cannot run is an error
  std::optional<Placed<std::int64_t>> min_segment;  // a segment of fewer kernels runs on the CPU
  Stubs stubs;
  std::optional<Placed<std::string>> prefix;  // of output file names
  Placed<Dialect> dialect = {Dialect::kFunction, {}};
  Placed<Form> form = {Form::kQat, {}};
  Placed<CompositeForm> rewrite = {CompositeForm::kKeep, {}};
  std::optional<Placed<std::int64_t>> newest_opset;  // the newest operator set that `rewrite` may raise to
  std::optional<CalibrationConfig> calibration;
  Placed<Precision> weights = {Precision::kInt8, {}};
  Placed<Precision> activations = {Precision::kInt8, {}};
  Fusing fusing;
  std::vector<Setting> setters;        // of hybrid and qconfig_setter, the first wins
  std::vector<Setting> usual_aspects;  // what weights and activations say besides the dtype
  /// Under which key an own file says the precision of single nodes: qconfig_setter, templates, qconfig_dict,
  /// quantizers or extra_qconfig_dict (whatever MQBench's dictionaries it has); nullopt: under none.
  std::optional<Placed<std::string>> precision_key;
  std::vector<Diagnostic> not_yet;  // errors for prepare: what is correct, but cannot be carried out yet

  // What only the files of other tools say.
  std::string written_for;                    // "hb_mapper", ...; empty: qprep itself
  std::optional<Placed<std::string>> model;   // an ONNX file; relative ones were resolved likewise
  std::optional<Placed<std::string>> folder;  // for what is written, likewise
  std::vector<InputPreprocessing> inputs;     // empty: the model's inputs stay as they are
  GraphCuts cuts;
  std::optional<Where> loads_scales;           // only tensors for which the model carries none get others
  std::vector<Placed<std::string>> wants_bpu;  // nodes
  std::vector<std::string> kept;               // keys that are for the compiler alone, "debug: False"
  std::vector<Diagnostic> remarks;             // warnings and notes of reading
};

/// Throws Fatal with every mistake of the file, each with its line and column; the first 100 of more.
Config read_config(const std::string& file);
/// The same for text in memory; `file` is its name in messages, relative paths are taken from its folder.
Config parse_config(std::string_view text, const std::string& file);

/// Activations are to have a scale for each channel, as `calibration.search.per_channel` tries it. Given:
/// config.calibration has a search.
void ask_for_channels(Config& config);

/// Everything that the configuration says of precision, the settings of the highest priority first.
std::vector<Setting> settings(const Config& config);

}  // namespace qprep
