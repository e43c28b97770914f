#pragma once

#include <filesystem>
#include <vector>

#include "config/fusion.h"
#include "support/diagnostics.h"

namespace qprep {

/// An error for each operator that the words of a file's sequences stand for and nobody knows: neither the
/// tables of the folder `configs` nor `more`, sorted.
void refuse_unknown_operators(const std::vector<Placed<FusionOp>>& words,
                              const std::filesystem::path& configs, const std::vector<std::string>& more,
                              Diagnostics& diagnostics);

}  // namespace qprep
