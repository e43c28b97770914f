#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/config.h"
#include "driver/rules.h"
#include "onnx_io/onnx_file.h"
#include "plan/plan.h"
#include "support/diagnostics.h"

namespace qprep {

/// A model as the rewriting passes leave it, and what was decided for it.
struct Decided {
  Config config;
  Rules rules;
  OnnxFile file;
  Plan plan;
};

/// What the command line says besides the configuration.
struct Overrides {
  std::string march = {};                   // empty: the configuration's
  std::vector<Placed<OpenSize>> dims = {};  // besides the configuration's
  bool dims_may_miss = false;               // one that no input has is a warning
  bool fuses_all = false;                   // as if 'fuse' and 'method: eager' did not stand there
  bool drops_stubs = false;                 // as if 'stubs' did not stand there
  bool quantises_all = false;               // as if 'method: jit' stood there, and no 'stubs'
};

/// Reads the model and decides as `prepare` would, with the configuration (empty: the defaults). `configs`:
/// the folder that holds op_classes.yaml and its like. Throws Fatal; what the configuration says and
/// prepare cannot carry out yet is a warning here.
Decided decide(const std::filesystem::path& model, const std::string& config,
               const std::filesystem::path& configs, Diagnostics& diagnostics,
               const Overrides& overrides = {});

}  // namespace qprep
