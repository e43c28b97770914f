#pragma once

#include <filesystem>

#include "report/inspect.h"
#include "support/diagnostics.h"

namespace qprep {

/// What the model holds, as it stands in the file, and what `prepare` without a configuration would quantise
/// of it. `configs`: the folder that holds op_classes.yaml and its like. Throws Fatal.
InspectResult inspect_model(const std::filesystem::path& model, const std::filesystem::path& configs,
                            Diagnostics& diagnostics);

}  // namespace qprep
