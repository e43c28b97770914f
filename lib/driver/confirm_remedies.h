#pragma once

#include <filesystem>
#include <string>

#include "driver/decided.h"

namespace qprep {

/// Result: of the nodes that are told to fix the open sizes, those alone still are that do not run on the CPU
/// once the sizes are fixed: the model is decided for again with the size 1 for each open first axis and 64
/// for the others. None is, where that fails. Given: the model and the plan are what `decide` makes of the
/// other arguments. Nothing is decided again where no node is told so.
void confirm_size_remedies(const std::filesystem::path& file, const std::string& config,
                           const std::filesystem::path& configs, const Overrides& overrides,
                           const Model& model, Plan& plan);

}  // namespace qprep
