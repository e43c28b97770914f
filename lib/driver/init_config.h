#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "support/diagnostics.h"

namespace qprep {

struct InitOptions {
  std::optional<std::filesystem::path> model;
  std::string march;              // empty: the default
  std::filesystem::path configs;  // the folder that holds init.yaml and, for a model, op_classes.yaml
};

/// A configuration to start from, with comments: what no configuration does, and what else could be said.
/// With a model, the comments name its inputs and use names of its nodes as examples of selectors. Throws
/// Fatal for an unknown march, with what there is, and for a model that cannot be read.
std::string init_config(const InitOptions& options, Diagnostics& diagnostics);

}  // namespace qprep
