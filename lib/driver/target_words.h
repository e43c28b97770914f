#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "support/diagnostics.h"

namespace qprep {

/// A warning for each word of a target's own file that can be read and means nothing: operators of rows and
/// lists that nobody knows, attributes that their operators do not have, names of sequences that are taken.
/// A row may be of an operator of one's own, whose name is not near to a known one. In the order of the file;
/// empty for a file that cannot be read. `configs`: the folder that holds op_classes.yaml.
std::vector<Diagnostic> doubtful_words(const std::filesystem::path& configs, const std::string& file);

}  // namespace qprep
