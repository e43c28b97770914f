#pragma once

#include <span>
#include <string>
#include <vector>

#include "runtime/port.h"
#include "support/diagnostics.h"

namespace qprep {

/// The folder with the samples of one input.
struct InputFolder {
  Port port;
  std::string folder;  // with the path
};

/// Which folder holds which input, by index.json or by the folders' names; what is wrong goes to
/// `diagnostics` as errors. Result: an entry for every input that must be fed, unless errors were added, and
/// for those with defaults that have a folder; empty: no folder is an input's.
std::vector<InputFolder> find_input_folders(const std::string& folder, std::span<const Port> inputs,
                                            Diagnostics& diagnostics);

/// The name a folder has for an input whose name no folder can have: runs of characters other than letters,
/// digits,
/// '.', '_' and '-' become '_', and '.' and '_' at the ends go; "input" if nothing is left.
std::string folder_name(const std::string& input);

}  // namespace qprep
