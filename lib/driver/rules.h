#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/composites.h"
#include "config/config.h"
#include "config/config_folder.h"
#include "config/fusion.h"
#include "config/march.h"
#include "config/op_classes.h"
#include "passes/pass.h"

namespace qprep {

/// The tables that deciding passes read, from the folder of configurations.
struct Rules {
  OpClasses op_classes;
  FusionRules fusion;
  Composites composites;
  std::optional<March> march;        // nullopt: no configuration names one
  std::vector<std::string> replace;  // what the configuration says, else the march

  /// What the target runs where; null: there is no target, or it has no table.
  const Capabilities* table() const {
    return march && !march->capabilities.rows.empty() ? &march->capabilities : nullptr;
  }

  /// The target says how tools quantise, and not which chip runs what.
  bool is_profile() const { return march && march->quantise; }

  /// Throws Fatal with every mistake of a file.
  static Rules read(const std::filesystem::path& configs, const Config& config = {});
  /// An Env that uses the tables. Given: they outlive it.
  Env env(Diagnostics& diagnostics, std::vector<Setting> settings) const;
  /// The same with what the configuration says of precision and fusion. Given: it outlives the Env.
  Env env_for(const Config& config, Diagnostics& diagnostics) const;
  /// What there is to say of the march: that its numbers were concluded, that it has none, what of it is not
  /// carried out.
  void remark_on_march(const Config& config, Diagnostics& diagnostics) const;
};

}  // namespace qprep
