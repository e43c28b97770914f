#pragma once

#include <filesystem>

#include "config/fusion.h"
#include "config/op_classes.h"
#include "passes/pass.h"

namespace qprep {

/// The tables that deciding passes read, from the folder of configurations.
struct Rules {
  OpClasses op_classes;
  FusionRules fusion;

  /// Throws Fatal with every mistake of a file.
  static Rules read(const std::filesystem::path& configs);
  /// An Env that uses the tables. Given: they outlive it.
  Env env(Diagnostics& diagnostics, std::vector<Setting> settings) const;
};

/// The folder of configurations (op_classes.yaml, ...): what the environment variable QPREP_CONFIGS names;
/// else ../share/qprep/configs beside the running program; else configs/ in the checkout that it was built
/// in. Throws Fatal(file-access) that says where it was looked for.
std::filesystem::path find_configs();

}  // namespace qprep
