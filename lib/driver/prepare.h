#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/calibrated.h"
#include "report/sensitivity.h"
#include "support/diagnostics.h"

/// `qprep prepare` as a function: a float model and a configuration in, quantised models and the check result
/// out. docs/design.md has the flow, docs/config.md says which configuration writes which files.
namespace qprep {

/// Called on the calling thread or, one call at a time, on one that calibrates. total 0: how much is not
/// known.
using Progress = std::function<void(std::string_view doing, std::size_t done, std::size_t total)>;

/// That only statistics are collected and written, of all samples or a part of them.
struct StatisticsOptions {
  std::filesystem::path file;  // a .qcal
  std::size_t shard = 1;       // from 1 on, of so many:
  std::size_t shards = 1;
  /// In parts that stay until all are there, so that the same call goes on after an interruption. Given:
  /// shards is 1.
  bool resume = false;
};

struct PrepareOptions {
  std::filesystem::path model;    // empty: the one that the configuration names
  std::string config;             // a file; empty: all defaults
  std::filesystem::path folder;   // for what is written; made if absent; empty: as configured, else "."
  std::filesystem::path configs;  // the folder that holds op_classes.yaml and its like
  bool durable = false;           // return when the disk has the files
  bool overwrite_input = false;   // an output may be the model itself
  std::string dump_after;         // one of pass_names(); empty: none
  std::string stop_after;         // likewise; then nothing is written
  bool picture = true;            // with a march, the segments are drawn
  std::string statistics_from;    // a .qcal file, from which scales come instead of samples; empty: none
  std::optional<StatisticsOptions> statistics;  // instead of all that is written otherwise
  std::string runtime;                          // ONNX Runtime's library, see Library::get
  int threads = 0;    // for calibration; 0 = as many as the machine has. Changes no result
  Progress progress;  // may be empty
};

struct OutputFile {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
};

struct PassTime {
  std::string name;
  double seconds = 0;
};

/// By "qint8" and "qint16".
using DtypeCounts = std::map<std::string, std::size_t, std::less<>>;

struct PrepareResult {
  std::string model, march;
  std::uint64_t bytes_read = 0;   // of the model, its external data included
  std::vector<OutputFile> files;  // in the order of writing
  std::string stopped_after;      // a pass; empty: everything ran
  std::string dump;               // what dump_after asked for

  bool decided = false;  // the counts below are known: the run did not stop before
  std::size_t bpu_nodes = 0, cpu_nodes = 0, segments = 0;
  std::size_t fused = 0, not_fused = 0;               // sequences that run as one kernel, and that could have
  bool fuses_nothing = false;                         // the configuration does, but for what it lists
  std::size_t composites = 0, missed_composites = 0;  // the same of operators that nodes spell out
  DtypeCounts activations, weights, constants;        // tensors that got a FakeQuantize
  std::int64_t opset_before = 0, opset_after = 0;
  Sensitivity sensitivity;                 // empty: it was not measured
  Calibrated calibration;                  // empty: without scales of samples or statistics
  std::size_t parts = 0, parts_found = 0;  // of StatisticsOptions::resume; found: from a run before
  std::size_t samples = 0, calibrated = 0,
              uncalibrated = 0;  // tensors that got a scale from data, or did not

  std::vector<PassTime> passes;  // and the other steps, in order
  double seconds = 0;
  std::shared_ptr<void> work;  // the graph; freeing a large one takes time that a caller may not have
};

/// The names that dump_after and stop_after take, in the order of running: the pipeline's, and those of the
/// steps around it.
std::vector<std::string> pass_names();

/// Result: the files that the configuration asks for are in the folder, each whole.
/// Throws Fatal; `diagnostics` then holds what was said before. Nothing is written before the configuration,
/// the model and the samples have been read and, with samples, the calibration is through.
PrepareResult prepare(const PrepareOptions& options, Diagnostics& diagnostics);

}  // namespace qprep
